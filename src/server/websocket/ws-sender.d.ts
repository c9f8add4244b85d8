import 'ws';

/** The part of ws that makes frames and that @types/ws leaves out. */
declare module 'ws' {
  export const Sender: {
    frame(
      data: Buffer,
      options: { opcode: number; fin: boolean; rsv1: boolean; mask: boolean },
    ): Buffer[];
  };
}
