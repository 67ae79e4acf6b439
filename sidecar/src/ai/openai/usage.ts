import { z } from 'zod';

/** A number of the usage that a server tells. What is none says nothing; the answer is good all the same, and paid. */
export const countSchema = z
	.number()
	.nonnegative()
	.nullish()
	.catch(undefined)
	.transform((count) => count ?? undefined);
