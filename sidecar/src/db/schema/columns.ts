import { customType, timestamp } from 'drizzle-orm/pg-core';
import { completeFacts, type MediaFacts, type StoredFacts } from '../../media/facts.ts';

/** Every time is `timestamptz`, every id a random UUID made by the application. */
export const time = (name: string) => timestamp(name, { withTimezone: true });
export const createdAt = () => time('created_at').notNull().defaultNow();

/** jsonb. What earlier versions stored is completed when it is read. */
export const mediaFacts = customType<{ data: MediaFacts; driverData: unknown }>({
	dataType: () => 'jsonb',
	toDriver: (facts) => JSON.stringify(facts),
	fromDriver: (value) => completeFacts((typeof value === 'string' ? JSON.parse(value) : value) as StoredFacts),
});
