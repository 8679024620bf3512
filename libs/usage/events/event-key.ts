const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const ULID_DIGITS = 26;
const MARK = 1n << 127n;

/**
 * The key that an identity stands for (docs/decisions/0011): the inverse of `eventIdentity` for UUIDs and ULIDs, whose events are kept without their key's text.
 * @param identity 16 bytes as the text of a UUID, in small letters, with or without dashes
 * @throws RangeError for one that is the hash of its key: nothing gives that back
 */
export function keyOfIdentity(identity: string): string {
  const digits = identity.replaceAll('-', '');
  const value = /^[0-9a-f]{32}$/.test(digits) ? BigInt(`0x${digits}`) : null;
  if (value === null) throw new RangeError(`${JSON.stringify(identity)} is not 16 bytes`);
  if ((value & MARK) !== 0n) return ulidOf(value ^ MARK);
  if (!'89ab'.includes(digits.charAt(16))) throw new RangeError(`${identity} is the hash of its key`);
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function ulidOf(value: bigint): string {
  let ulid = '';
  for (let rest = value, i = 0; i < ULID_DIGITS; i += 1, rest >>= 5n) ulid = CROCKFORD.charAt(Number(rest & 31n)) + ulid;
  return ulid;
}
