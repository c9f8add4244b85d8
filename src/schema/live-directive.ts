import { DirectiveLocation, GraphQLBoolean, GraphQLDirective, GraphQLNonNull } from 'graphql';

const boolean = new GraphQLNonNull(GraphQLBoolean);

/** Makes a query live. */
export const liveDirective = new GraphQLDirective({
  name: 'live',
  description:
    'Answers the query at once, and again whenever the answer changes, over a WebSocket, server-sent events or multipart. Other requests are answered once.',
  locations: [DirectiveLocation.QUERY],
  args: {
    if: { type: boolean, defaultValue: true, description: 'Whether the query is live.' },
    patch: {
      type: boolean,
      defaultValue: false,
      description:
        'Whether answers after the first one are only what has changed, as JSON Patch (RFC 6902).',
    },
  },
});
