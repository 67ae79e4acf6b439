/** What Pinterest refuses about the body of a request (platforms.md 8.3 and 8.4), in its own words where they are known. */

interface Base64Image {
	content_type: string;
	data: string;
}
interface UrlImage {
	url: string;
}
interface ItemText {
	title?: string;
	description?: string;
	link?: string;
}

export type MediaSource =
	| ({ source_type: 'image_base64' } & Base64Image)
	| ({ source_type: 'image_url' } & UrlImage)
	| { source_type: 'multiple_image_base64'; items: Array<Base64Image & ItemText> }
	| { source_type: 'multiple_image_urls'; items: Array<UrlImage & ItemText> }
	| {
			source_type: 'video_id';
			media_id: string;
			cover_image_url?: string;
			cover_image_content_type?: string;
			cover_image_data?: string;
			cover_image_key_frame_time?: number;
	  };

export interface PinFields {
	board_id: string;
	board_section_id?: string | null;
	title?: string | null;
	description?: string | null;
	link?: string | null;
	alt_text?: string | null;
	media_source: MediaSource;
}

type Fields = Record<string, unknown>;

const TEXTS: Record<string, number> = { title: 100, description: 800, link: 2048, alt_text: 500 };
const PIN_FIELDS = [...Object.keys(TEXTS), 'board_id', 'board_section_id', 'dominant_color', 'media_source'];
const COVERS = ['cover_image_url', 'cover_image_data', 'cover_image_key_frame_time'];
const ITEM_TEXTS = ['title', 'description', 'link'];
const SOURCE_FIELDS: Record<string, string[]> = {
	image_base64: ['content_type', 'data'],
	image_url: ['url'],
	multiple_image_base64: ['items', 'index'],
	multiple_image_urls: ['items', 'index'],
	video_id: ['media_id', 'cover_image_content_type', ...COVERS],
};

const isRecord = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown) => typeof value === 'string' && /^\d+$/.test(value);
const isUrl = (value: unknown) => typeof value === 'string' && /^https?:\/\/\S+$/.test(value);
const strange = (fields: Fields, known: readonly string[]) => Object.keys(fields).find((name) => !known.includes(name));

/** Null: a pin that would be taken. */
export function pinProblem(body: Fields): string | null {
	const unknown = strange(body, PIN_FIELDS);
	if (unknown) return `additional property '${unknown}' is not allowed`;
	for (const [name, max] of Object.entries(TEXTS)) {
		const value = body[name] ?? '';
		if (typeof value !== 'string') return `'${name}' is not of type string`;
		if ([...value].length > max) return `'${name}' does not satisfy the constraint: maxLength=${max}`;
	}
	if (body['link'] !== undefined && body['link'] !== null && !isUrl(body['link'])) return "'link' is not a valid URL";
	if (!isId(body['board_id'])) return `'${String(body['board_id'])}' does not match '^\\d+$' (board_id)`;
	if (body['board_section_id'] !== undefined && body['board_section_id'] !== null && !isId(body['board_section_id'])) return "board_section_id does not match '^\\d+$'";
	const source = body['media_source'];
	return isRecord(source) ? sourceProblem(source) : "'media_source' is required";
}

function sourceProblem(source: Fields): string | null {
	const type = String(source['source_type']);
	const known = SOURCE_FIELDS[type];
	if (!known) return `source_type '${type}' is not known`;
	const unknown = strange(source, ['source_type', 'is_standard', ...known]);
	if (unknown) return `additional property '${unknown}' is not allowed in ${type}`;
	if (type === 'video_id') return videoProblem(source);
	if (type === 'image_base64' || type === 'image_url') return imageProblem(source);
	const items = source['items'];
	if (!Array.isArray(items) || !items.every(isRecord)) return "'items' must be a list of objects";
	if (items.length < 2) return "'items' does not satisfy the constraint: minItems=2";
	if (items.length > 5) return "'items' does not satisfy the constraint: maxItems=5";
	for (const item of items) {
		const extra = strange(item, [...ITEM_TEXTS, ...(type === 'multiple_image_urls' ? ['url'] : ['content_type', 'data'])]);
		const problem = extra ? `additional property '${extra}' is not allowed in an item` : imageProblem(item);
		if (problem) return problem;
	}
	const sizes = new Set(items.flatMap((item) => (typeof item['data'] === 'string' ? (sizeOf(Buffer.from(item['data'], 'base64')) ?? []) : [])));
	return sizes.size > 1 ? 'all images must have the same size' : null;
}

function imageProblem(image: Fields): string | null {
	if ('url' in image) return isUrl(image['url']) ? null : "'url' is not a valid URL";
	if (image['content_type'] !== 'image/jpeg' && image['content_type'] !== 'image/png') return `content_type '${String(image['content_type'])}' is not one of ['image/jpeg', 'image/png']`;
	return typeof image['data'] === 'string' && /^[a-zA-Z0-9+/=]+$/.test(image['data']) ? null : "'data' does not match '^[a-zA-Z0-9+/=]+$'";
}

function videoProblem(source: Fields): string | null {
	if (!isId(source['media_id'])) return "'media_id' does not match '^\\d+$'";
	const covers = COVERS.filter((name) => source[name] !== undefined);
	if (covers.length === 0) return 'cover_image_url or cover_image_content_type and cover_image_data or cover_image_key_frame_time is required for a video';
	if (covers.length > 1) return `only one cover may be given, not ${covers.join(' and ')}`;
	if (covers[0] === 'cover_image_data') return imageProblem({ content_type: source['cover_image_content_type'], data: source['cover_image_data'] });
	if (source['cover_image_content_type'] !== undefined) return "'cover_image_data' is missing";
	if (covers[0] === 'cover_image_url') return isUrl(source['cover_image_url']) ? null : "'cover_image_url' is not a valid URL";
	const seconds = source['cover_image_key_frame_time'];
	return typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 0 ? null : "'cover_image_key_frame_time' is not a whole number of seconds";
}

/** `1000×1500` of a PNG or a JPEG; null of anything else. */
function sizeOf(bytes: Buffer): string | null {
	if (bytes.length > 24 && bytes.subarray(1, 4).toString('latin1') === 'PNG') return `${bytes.readUInt32BE(16)}×${bytes.readUInt32BE(20)}`;
	if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null;
	for (let at = 2; at + 9 < bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
		const marker = bytes[at + 1]!;
		// Start of a frame: SOF0 to SOF15 without DHT, JPG and DAC.
		if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) return `${bytes.readUInt16BE(at + 7)}×${bytes.readUInt16BE(at + 5)}`;
	}
	return null;
}

const STANDARD_METRICS = ['IMPRESSION', 'OUTBOUND_CLICK', 'PIN_CLICK', 'SAVE', 'SAVE_RATE', 'TOTAL_COMMENTS', 'TOTAL_REACTIONS'];
const IMAGE_METRICS = [...STANDARD_METRICS, 'USER_FOLLOW', 'PROFILE_VISIT'];
const VIDEO_METRICS = [
	...STANDARD_METRICS, 'VIDEO_MRC_VIEW', 'VIDEO_10S_VIEW', 'QUARTILE_95_PERCENT_VIEW', 'VIDEO_V50_WATCH_TIME', 'VIDEO_START', 'VIDEO_AVG_WATCH_TIME',
];
const DAY_MS = 86_400_000;

/** Null: a question for the numbers of a pin that would be answered. */
export function analyticsProblem(query: Record<string, string>, video: boolean, now: number): string | null {
	const unknown = strange(query, ['start_date', 'end_date', 'metric_types', 'app_types', 'split_field']);
	if (unknown) return `unknown parameter ${unknown}`;
	const [start, end] = [query['start_date'] ?? '', query['end_date'] ?? ''];
	if (![start, end].every((date) => /^\d{4}-\d\d-\d\d$/.test(date) && !Number.isNaN(Date.parse(date)))) return 'start_date and end_date must be YYYY-MM-DD.';
	const today = Date.parse(new Date(now).toISOString().slice(0, 10));
	if (Date.parse(start) < today - 90 * DAY_MS) return 'start_date is more than 90 days back.';
	if (Date.parse(end) < Date.parse(start) || Date.parse(end) > Date.parse(start) + 90 * DAY_MS) return 'end_date must be within 90 days after start_date.';
	if (Date.parse(end) > today) return 'end_date lies in the future.';
	const known = video ? VIDEO_METRICS : IMAGE_METRICS;
	const wrong = (query['metric_types'] ?? '').split(',').find((name) => !known.includes(name));
	return wrong === undefined ? null : `metric_types: '${wrong}' is not one of ${known.join(', ')}`;
}
