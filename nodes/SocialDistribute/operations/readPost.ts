import type { IExecuteFunctions } from 'n8n-workflow';
import type { ReadParameter } from '../../shared/operation';
import { isRecord, optionalText, ParameterError, requiredText, withoutEmpty } from '../../shared/parameters';
import type { BatchItem } from '../../shared/wire';
import { platforms } from '../platforms';
import type { Platform } from '../platforms/platform';

/** Also takes what an expression may give: one name, or names with commas. */
export function readPlatforms(read: ReadParameter): Platform[] {
	const value = read('platforms', []);
	const names = (Array.isArray(value) ? value : String(value).split(',')).map((name) => String(name).trim().toLowerCase());
	const chosen = [...new Set(names.filter((name) => name !== ''))];
	if (chosen.length === 0) throw new ParameterError('"Platforms" is empty. Choose at least one.');
	return chosen.map(findPlatform);
}

export function findPlatform(name: string): Platform {
	const platform = platforms.find(({ value }) => value === name);
	if (platform) return platform;
	const known = platforms.map(({ value }) => value).join(', ');
	throw new ParameterError(`"Platforms" contains "${name}". This node can post to: ${known}.`);
}

/** The request of one platform without its secrets and its time. */
export function readPost(read: ReadParameter, platform: Platform): BatchItem {
	const attach = read('attachMedia', true) !== false;
	const onProblem = optionalText(read, 'options.onProblem') ?? 'fail';
	return withoutEmpty<BatchItem>({
		operation: 'publish',
		asset_id: attach ? requiredText(read, 'assetId', 'Asset ID') : optionalText(read, 'assetId'),
		params: withoutEmpty({
			platform: platform.value,
			text: textFor(read, platform.value),
			title: optionalText(read, 'options.title'),
			tags: listOf(optionalText(read, 'options.tags')),
			link: optionalText(read, 'options.link'),
			// An empty list: without it the sidecar would choose a file of the asset.
			media: attach ? [readMedia(read)] : [],
			cover: fileOf(optionalText(read, 'options.coverFile')),
			cover_seconds: readNumber(read('options.coverSeconds', undefined)),
			subtitles: listOf(optionalText(read, 'options.subtitles'))?.map((language) => ({ language })),
			thread: readThread(read('options.thread', [])),
			first_comment: optionalText(read, 'options.firstComment'),
			visibility: optionalText(read, 'options.visibility'),
			language: optionalText(read, 'options.language'),
			sensitive: read('options.sensitive', false) === true ? true : undefined,
			spoiler_text: optionalText(read, 'options.spoilerText'),
			settings: readSettings(read, platform),
			// Whether all of them fit is found out before: what fails after that fails alone.
			on_problem: onProblem === 'fail' || onProblem === 'fail_all' ? undefined : onProblem,
			long_text: optionalText(read, 'options.longText'),
			experiment: readExperiment(read),
			idempotency_key: optionalText(read, 'options.idempotencyKey'),
		}),
	});
}

/** What only this platform has, as its fields in the node say. */
export function readSettings(read: ReadParameter, platform: Platform): Record<string, unknown> | undefined {
	const settings = platform.settings?.((name) => {
		const value = read(`${platform.value}Options.${name}`, undefined);
		return value === '' || value === null ? undefined : value;
	});
	const given = withoutEmpty(settings ?? {});
	return Object.keys(given).length > 0 ? given : undefined;
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

const fileOf = (file: string | undefined): { file: string } | undefined => (file === undefined ? undefined : { file });

function listOf(text: string | undefined): string[] | undefined {
	const parts = (text ?? '').split(',').map((part) => part.trim());
	const list = parts.filter((part) => part !== '');
	return list.length > 0 ? list : undefined;
}

function readThread(value: unknown): string[] | undefined {
	const texts = (Array.isArray(value) ? value : [value]).map((text) => String(text ?? '').trim());
	const thread = texts.filter((text) => text !== '');
	return thread.length > 0 ? thread : undefined;
}

const readNumber = (value: unknown): number | undefined => (value === undefined || value === '' || value === null ? undefined : Number(value));

function readExperiment(read: ReadParameter): { name: string; variant: string } | undefined {
	const name = optionalText(read, 'options.experiment');
	const variant = optionalText(read, 'options.variant');
	if (name === undefined && variant === undefined) return undefined;
	if (name !== undefined && variant !== undefined) return { name, variant };
	throw new ParameterError('"Experiment" and "Variant" belong together: give both, or none.');
}

/** n8n's date field gives a time of the workflow's time zone, without saying so; the sidecar wants the zone with it. */
export function readTime(context: IExecuteFunctions, text: string | undefined): string | undefined {
	if (text === undefined) return undefined;
	const match = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/.exec(text);
	if (!match) throw new ParameterError(`"Publish At" must be a date and time such as 2026-12-24T18:00, but is "${text}".`);
	if (match[1]) return text;
	return String(context.evaluateExpression(`{{ DateTime.fromISO(${JSON.stringify(text.replace(' ', 'T'))}).toISO() }}`, 0));
}
