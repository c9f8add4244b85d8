/** The scalars of this schema, as TypeScript sees them. */
export type ScalarTypes = {
  UUID: { Input: string; Output: string };
  DateTime: { Input: Date; Output: Date };
  Date: { Input: Date; Output: Date };
  JSON: { Input: unknown; Output: unknown };
  BigInt: { Input: bigint; Output: bigint };
  Decimal: { Input: string; Output: { toString(): string } };
  URL: { Input: string; Output: string };
};
