/** More than this share, and more than a few, are no leftovers: the wrong bucket, a disk that is not mounted, a database of last month, or an empty one. */
const MOST = 0.2;
const FEW = 20;

/** Pure. Whether the storage and the database can be those of each other, when of so many things that were looked at so many are only in one of them. */
export const isPlausible = (found: number, looked: number): boolean => found === 0 || (found < looked && (found <= FEW || found <= looked * MOST));
