import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Authenticate } from '../../context/authentication.ts';
import type { Context } from '../../context/context.ts';
import { GatewayError } from '../../context/errors.ts';
import { holderOf } from '../../context/quotas.ts';
import { createSession } from '../../context/session.ts';
import { Work } from '../../context/work.ts';
import { WORKSPACE_HEADER } from '../../context/workspace.ts';
import { requireScope } from '../../resolvers/rows.ts';
import type { ContextOf } from '../request-contexts.ts';
import { errorResponse, maskedResponse } from '../responses.ts';
import { EXPORT_ENDPOINT } from '../routes.ts';
import type { ServerContext } from '../server-context.ts';
import { readAsked } from './export-request.ts';
import type { ExportSender } from './export-sender.ts';
import { type ExportedList, exportedList, exportedTable } from './exported-table.ts';
import { type Extension, formats } from './file-format.ts';

export interface ExportsOptions {
  schema: GraphQLSchema;
  sender: ExportSender;
  authenticate: Authenticate;
  contextOf: ContextOf;
  maskError: (error: unknown) => GraphQLError;
}

const METHODS = ['GET', 'HEAD', 'POST'];

/** Serves lists and their aggregates as files: `/export/<list>.csv` and `/export/<list>.ndjson`. */
export function useExports(options: ExportsOptions): Plugin<object, ServerContext> {
  return {
    async onRequest({ request, url, serverContext, endResponse }) {
      if (!url.pathname.startsWith(EXPORT_ENDPOINT)) return;
      if (!METHODS.includes(request.method)) {
        const refusal = errorResponse(405, 'BAD_REQUEST', 'Send GET, or POST with JSON.');
        refusal.headers.set('allow', METHODS.join(', '));
        endResponse(refusal);
        return;
      }
      try {
        endResponse(await answer(options, request, url.pathname, serverContext));
      } catch (error) {
        endResponse(maskedResponse(options.maskError(error)));
      }
    },
  };
}

async function answer(
  { schema, sender, authenticate, contextOf }: ExportsOptions,
  request: Request,
  path: string,
  serverContext: ServerContext,
): Promise<Response> {
  const { headers } = request;
  const identity = await authenticate(headers.get('authorization'));
  const { inFlight, work = new Work() } = serverContext;
  inFlight?.begin(identity);
  const { list, extension } = fileOf(schema, path);
  const table = exportedTable(schema, list, await readAsked(request));
  const workspaceHeader = headers.get(WORKSPACE_HEADER);
  const context = await contextOf({ ...serverContext, identity, workspaceHeader });
  requireScope(context, list.model);
  const format = formats[extension];
  const response = new Response(null, {
    headers: {
      'content-type': format.contentType,
      'content-disposition': `attachment; filename="${fileName(list, extension)}"`,
      'cache-control': 'no-store',
    },
  });
  if (request.method === 'HEAD') return response;
  return sender.announce(response, {
    table,
    writer: format.writer(table.columns),
    session: createSession(context.session, work),
    holder: holderIn(context),
  });
}

function fileOf(schema: GraphQLSchema, path: string): { list: ExportedList; extension: Extension } {
  const [, field = '', extension = ''] =
    /^(\w+)\.(csv|ndjson)$/.exec(path.slice(EXPORT_ENDPOINT.length)) ?? [];
  const list = exportedList(schema, field);
  if (list && (extension === 'csv' || extension === 'ndjson')) return { list, extension };
  throw new GatewayError(
    'NOT_FOUND',
    'There is no such export. There is one of each list of the API, and of its aggregate, such as campaigns.csv, campaigns.ndjson and campaignsAggregate.csv.',
    { status: 404 },
  );
}

/** A workspace may have one export at a time; where there is none, its sender. */
function holderIn({ workspace, viewer }: Context): string {
  return workspace?.id ?? Object.values(holderOf(viewer)).join(' ');
}

function fileName({ field }: ExportedList, extension: Extension): string {
  return `${field.name}-${new Date().toISOString().slice(0, 10)}.${extension}`;
}
