import { DirectiveLocation, GraphQLDirective, specifiedDirectives } from 'graphql';
import { liveDirective } from './live.ts';

/** Places of no published edition of the specification: clients refuse a schema that names them. */
const UNPUBLISHED: readonly string[] = [DirectiveLocation.DIRECTIVE_DEFINITION];

/** The directives of the schema. */
export const directives: readonly GraphQLDirective[] = [
  ...specifiedDirectives.map(
    (directive) =>
      new GraphQLDirective({
        ...directive.toConfig(),
        locations: directive.locations.filter((location) => !UNPUBLISHED.includes(location)),
      }),
  ),
  liveDirective,
];
