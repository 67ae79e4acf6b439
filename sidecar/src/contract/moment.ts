import { z } from 'zod';

/** Of what JavaScript knows the database and its driver take the years 1 to 9999; a date at the end of the last one reaches beyond. */
const isOrdinary = (text: string): boolean => {
	const year = new Date(text).getUTCFullYear();
	return year >= 1 && year <= 9998;
};
const DATE = { error: 'must be a date (2026-01-31) or a time (2026-01-31T12:00:00Z)' };
const TIME = { error: 'must be a time with its offset (2026-01-31T12:00:00Z), of the years 1 to 9998' };

/** A date or a time, as a caller writes it. */
export const moment = z.union([z.iso.datetime({ offset: true }), z.iso.date()], DATE).refine(isOrdinary, DATE);
/** A time only. */
export const timeOf = z.iso.datetime({ offset: true, ...TIME }).refine(isOrdinary, TIME);
