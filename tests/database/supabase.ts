/** Makes an empty database look like a hosted Supabase project to migrations. */
export const SUPABASE = `
  create role anon nologin noinherit;
  create role authenticated nologin noinherit;
  create role service_role nologin noinherit bypassrls;
  create role authenticator noinherit login;
  grant anon, authenticated, service_role to authenticator;
  create role supabase_auth_admin noinherit createrole login;
  create role operator login createrole createdb bypassrls password 'secret';
  grant anon, authenticated, service_role to operator with admin option;
  alter schema public owner to operator;
  do $$ begin execute format('grant create on database %I to operator', current_database()); end $$;

  alter default privileges for role operator in schema public grant all on tables to anon, authenticated, service_role;
  alter default privileges for role operator in schema public grant all on functions to anon, authenticated, service_role;
  alter default privileges for role operator in schema public grant all on sequences to anon, authenticated, service_role;
  grant usage on schema public to anon, authenticated, service_role;

  create schema extensions;
  create schema auth authorization supabase_auth_admin;
  grant usage on schema auth to anon, authenticated, service_role;
  create table auth.users (
    instance_id uuid,
    id uuid not null primary key,
    aud varchar(255),
    role varchar(255),
    email varchar(255),
    encrypted_password varchar(255),
    email_confirmed_at timestamptz,
    confirmation_token varchar(255),
    recovery_token varchar(255),
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb,
    raw_user_meta_data jsonb,
    is_super_admin boolean,
    created_at timestamptz,
    updated_at timestamptz,
    phone text default null unique,
    banned_until timestamptz,
    is_sso_user boolean not null default false,
    deleted_at timestamptz,
    is_anonymous boolean not null default false
  );
  create unique index users_email_partial_key on auth.users (email) where is_sso_user = false;
  create index users_instance_id_idx on auth.users (instance_id);
  alter table auth.users enable row level security;
  alter table auth.users owner to supabase_auth_admin;
  grant usage on schema auth to operator;
  grant all on auth.users to operator;
  create table auth.sessions (id uuid primary key, user_id uuid references auth.users on delete cascade);

  create function auth.uid() returns uuid language sql stable as $$
    select coalesce(
      nullif(current_setting('request.jwt.claim.sub', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')
    )::uuid
  $$;
  create function auth.jwt() returns jsonb language sql stable as $$
    select coalesce(
      nullif(current_setting('request.jwt.claim', true), ''),
      nullif(current_setting('request.jwt.claims', true), '')
    )::jsonb
  $$;
  create function auth.role() returns text language sql stable as $$
    select coalesce(
      nullif(current_setting('request.jwt.claim.role', true), ''),
      (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role')
    )::text
  $$;`;
