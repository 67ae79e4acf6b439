import { tidyUploads } from '../../pipeline/tidy-uploads.ts';
import type { Place, Rule } from './rule.ts';

/** Uploads that were begun and never finished (I11). */
export const uploads: Rule = {
	name: 'uploads',
	about: 'Uploads that were begun and never finished, after `retention.upload_days`.',
	find: ({ deps, workspaceId, settings, now }: Place) => tidyUploads(deps, { workspaceId, days: settings.retention.upload_days, now }),
};
