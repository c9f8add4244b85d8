import { DirectiveLocation, GraphQLDirective, specifiedDirectives } from 'graphql';
import { liveDirective } from './live-directive.ts';

/** Locations that no published edition of the specification has. Some clients reject them. */
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
