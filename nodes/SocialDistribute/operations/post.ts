import type { IExecuteFunctions } from 'n8n-workflow';
import type { NodeOperation, ReadParameter } from '../../shared/operation';
import { isRecord, optionalText, ParameterError, requiredText, withoutEmpty } from '../../shared/parameters';
import type { BatchItem } from '../../shared/wire';
import { platforms } from '../platforms';
import { postProperties } from './postProperties';

/** One job per platform, so that one platform's refusal does not hold up another. */
export const post: NodeOperation = {
	name: 'Post',
	value: 'post',
	description: 'Publish a post',
	action: 'Publish a post',
	properties: postProperties,
	async build({ context, itemIndex, read }) {
		const items: BatchItem[] = [];
		for (const name of readPlatforms(read)) {
			const platform = platforms.find(({ value }) => value === name);
			if (!platform) {
				const known = platforms.map(({ value }) => value).join(', ');
				throw new ParameterError(`"Platforms" contains "${name}". This node can post to: ${known}.`);
			}
			const item = publishItem(read, name);
			const scheduledAt = readTime(context, optionalText(read, 'options.scheduledAt'));
			items.push({
				...item,
				params: withoutEmpty({ ...item.params, scheduled_at: scheduledAt }),
				secrets: await platform.secrets(context, itemIndex),
			});
		}
		return items;
	},
};

/** Also takes what an expression may give: one name, or names with commas. */
function readPlatforms(read: ReadParameter): string[] {
	const value = read('platforms', []);
	const names = (Array.isArray(value) ? value : String(value).split(',')).map((name) => String(name).trim().toLowerCase());
	const chosen = [...new Set(names.filter((name) => name !== ''))];
	if (chosen.length > 0) return chosen;
	throw new ParameterError('"Platforms" is empty. Choose at least one.');
}

/** The request without its secrets and its time. */
export function publishItem(read: ReadParameter, platform: string): BatchItem {
	const attach = read('attachMedia', true) !== false;
	return withoutEmpty<BatchItem>({
		operation: 'publish',
		asset_id: attach ? requiredText(read, 'assetId', 'Asset ID') : optionalText(read, 'assetId'),
		params: withoutEmpty({
			platform,
			text: textFor(read, platform),
			// An empty list: without it the sidecar would choose a file of the asset.
			media: attach ? [readMedia(read)] : [],
			visibility: optionalText(read, 'options.visibility'),
			language: optionalText(read, 'options.language'),
			sensitive: read('options.sensitive', false) === true ? true : undefined,
			spoiler_text: optionalText(read, 'options.spoilerText'),
			idempotency_key: optionalText(read, 'options.idempotencyKey'),
		}),
	});
}

function textFor(read: ReadParameter, platform: string): string {
	const entries = read('platformTexts.entry', []);
	const own = (Array.isArray(entries) ? entries : []).find((entry) => isRecord(entry) && entry.platform === platform);
	const text = isRecord(own) ? String(own.text ?? '').trim() : '';
	return text === '' ? (optionalText(read, 'text') ?? '') : text;
}

function readMedia(read: ReadParameter): { file?: string; job_id?: string; alt_text?: string } {
	const which = read('mediaFile', 'original');
	return withoutEmpty({
		file: which === 'file' ? requiredText(read, 'fileName', 'File Name') : which === 'original' ? 'original' : undefined,
		job_id: which === 'job' ? requiredText(read, 'jobId', 'Job ID') : undefined,
		alt_text: optionalText(read, 'options.altText'),
	});
}

/** n8n's date field gives a time of the workflow's time zone, without saying so; the sidecar wants the zone with it. */
function readTime(context: IExecuteFunctions, text: string | undefined): string | undefined {
	if (text === undefined) return undefined;
	const match = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/.exec(text);
	if (!match) throw new ParameterError(`"Publish At" must be a date and time such as 2026-12-24T18:00, but is "${text}".`);
	if (match[1]) return text;
	return String(context.evaluateExpression(`{{ DateTime.fromISO(${JSON.stringify(text.replace(' ', 'T'))}).toISO() }}`, 0));
}
