import type { IDataObject, IExecuteFunctions, IHttpRequestOptions, INodeProperties, INodePropertyOptions } from 'n8n-workflow';
import { operations } from '../../nodes/MediaIngest/operations/index.ts';
import { ingest } from '../../nodes/MediaIngest/operations/ingest.ts';
import { sources } from '../../nodes/MediaIngest/sources/index.ts';
import { assetChangeSchema, assetQuerySchema } from '../../sidecar/src/contract/assets.ts';
import { batchRequestSchema, signRequestSchema } from '../../sidecar/src/contract/requests.ts';
import { listRequestSchema } from '../../sidecar/src/contract/sources.ts';

/** What Media Ingest sends is what the sidecar takes: every source and operation, with every choice and every option. */

const ASSET = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';
type Values = Record<string, unknown>;

/** What the fields hold that have no default, and their examples where those cannot be used. */
const FILLED: Values = { asset: { mode: 'id', value: ASSET }, assetId: ASSET, fileId: '1aBcDeFgHiJkLmNoPqRsTuVwXyZ', folderId: { mode: 'id', value: '1aBcDeFgHiJkLmNoPqRsTuVwXyZ' }, fileSize: 5, returnAll: true };
const OPTIONS: Values = { title: 'T', description: 'D', language: 'pt-BR', owner: 'O', tags: 'a, b', metadata: '{"a":1}', versionOf: ASSET, pipeline: 'default', createdAfter: '2026-01-02T03:04:05', createdBefore: '2026-01-02', name: 'n', tag: 't', assetId: ASSET, expiresMinutes: 15 };

const choices = ({ options = [], type }: INodeProperties): unknown[] => (type === 'options' ? options.map((option) => (option as INodePropertyOptions).value) : type === 'boolean' ? [true, false] : []);

const isShown = ({ displayOptions }: INodeProperties, values: Values): boolean => Object.entries(displayOptions?.show ?? {}).every(([name, allowed]) => (allowed as unknown[]).includes(values[name.replace('/', '')]));

/** Preselected values, then each value of each list, then each option. */
function* cases(properties: readonly INodeProperties[], fixed: Values): Generator<Values> {
	const preselected: Values = { ...Object.fromEntries(properties.map(({ name, default: value, placeholder }) => [name, FILLED[name] ?? (value === '' && placeholder ? placeholder : value)])), ...fixed };
	yield preselected;
	for (const property of properties) {
		if (property.name in fixed) continue;
		for (const value of choices(property)) yield { ...preselected, [property.name]: value };
		if (property.type !== 'collection') continue;
		const entries = property.options as INodeProperties[];
		for (const entry of entries) for (const value of [OPTIONS[entry.name] ?? entry.default, ...choices(entry)]) yield { ...preselected, [property.name]: { [entry.name]: value, ...(value === 'version' ? { versionOf: ASSET } : {}) } };
	}
}

/** An entry of each kind of place. */
const ENTRIES: Record<string, object> = {
	google_drive_folder: { type: 'google_drive', file_id: '1aBcDeFgHiJkLmNoPqRsTuVwXyZ' },
	dropbox_folder: { type: 'dropbox', path: '/v.mp4' },
	rss: { type: 'url', url: 'https://a.test/v' },
	folder: { type: 'folder', path: 'v.mp4' },
	s3_prefix: { type: 's3', bucket: 'videos', key: 'v.mp4', region: 'auto', endpoint: 'https://r2.test' },
};

const asked: Array<{ url: string; schema: string; error: unknown }> = [];

/** Takes every request apart with the schema of the sidecar. */
function answer({ method, url, body }: IHttpRequestOptions): unknown {
	const { pathname, searchParams } = new URL(url);
	const check = (schema: string, { error }: { error?: unknown }, reply: object) => {
		asked.push({ url, schema, error });
		return { statusCode: 200, headers: {}, body: reply };
	};
	if (url.startsWith('https://www.googleapis.com/')) return { id: FILLED.fileId, name: 'a.mp4', mimeType: 'video/mp4' };
	if (pathname === '/api/media/sources/list') return check('list', listRequestSchema.safeParse(body), { entries: [{ source: ENTRIES[(body as { source: { type: string } }).source.type], name: 'v', version: '1', metadata: { title: 'T' } }], cursor: null, has_more: false, skipped: [] });
	if (pathname === '/api/media/sign') return check('sign', signRequestSchema.safeParse(body), { asset_id: ASSET, upload_url: 'http://sidecar.test/uploads/w/a', method: 'PUT', headers: {}, complete_url: null });
	if (pathname === '/api/media/assets') return check('query', assetQuerySchema.safeParse(Object.fromEntries(searchParams)), { assets: [], next_cursor: null });
	if (method === 'PATCH') return check('change', assetChangeSchema.safeParse(body), { id: ASSET });
	if (pathname === `/api/media/assets/${ASSET}`) return check('asset', {}, { id: ASSET });
	throw new Error(`nobody expects ${method} ${url}`);
}

function contextOf(values: Values, properties: readonly INodeProperties[]): { context: IExecuteFunctions; read: (name: string, fallback?: unknown) => unknown } {
	const shown = properties.filter((property) => isShown(property, values));
	const read = (name: string, fallback?: unknown): unknown => {
		const [field = '', option] = name.split('.');
		const value = shown.some((property) => property.name === field) ? values[field] : undefined;
		const found = option === undefined ? value : (value as Values | undefined)?.[option];
		return found === undefined ? fallback : found;
	};
	const credential = { url: 'http://sidecar.test', accessKeyId: 'AK', secretAccessKey: 'SK', region: 'auto', endpoint: 'https://r2.test', botToken: 'b', oauthTokenData: { access_token: 't' } };
	const chosen = Object.fromEntries(['googleDriveOAuth2Api', 'dropboxOAuth2Api', 's3', 'discordBotApi'].map((type) => [type, { id: '1', name: type }]));
	const staticData: IDataObject = {};
	const helpers: Partial<IExecuteFunctions['helpers']> = {
		httpRequest: () => Promise.resolve({}),
		httpRequestWithAuthentication: (_type, options) => Promise.resolve(answer(options)),
		assertBinaryData: () => ({ data: 'aGVsbG8=', mimeType: 'video/mp4', fileName: 'a.mp4' }),
	};
	const context: Partial<IExecuteFunctions> = {
		helpers: helpers as IExecuteFunctions['helpers'],
		getNode: () => ({ id: 'n', name: 'n', type: 't', typeVersion: 1, position: [0, 0], parameters: {}, credentials: chosen }),
		getCredentials: <T extends object = object>() => Promise.resolve(credential as T),
		getNodeParameter: ((name: string) => {
			const value = read(name);
			return typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
		}) as IExecuteFunctions['getNodeParameter'],
		getTimezone: () => 'Europe/Berlin',
		getWorkflowStaticData: () => staticData,
		logger: { info: () => undefined } as object as IExecuteFunctions['logger'],
	};
	return { context: context as IExecuteFunctions, read };
}

describe('the requests of Media Ingest', () => {
	beforeEach(() => void (asked.length = 0));
	const refusals = () => asked.filter(({ error }) => error !== undefined);

	it.each(sources.map(({ name, value, isList = false }) => [name, value, isList] as const))('for "%s" are accepted, with every choice and option', async (_name, source, isList) => {
		const properties = ingest.properties.filter(({ displayOptions }) => displayOptions?.show?.source?.includes(source) ?? true);
		for (const values of cases(properties, { source })) {
			// Said in words before anything is sent.
			if ((source === 'binary' || isList) && (values.options as Values).dedupe === 'version') continue;
			const items = await ingest.build({ ...contextOf(values, ingest.properties), itemIndex: 0 });
			expect([values, batchRequestSchema.safeParse({ items }).error, refusals(), items.length > 0]).toEqual([values, undefined, [], true]);
		}
	});

	it.each(operations.filter((operation) => 'answer' in operation).map((operation) => [operation.name, operation] as const))('for "%s" are accepted, with every choice and option', async (_name, operation) => {
		for (const values of cases(operation.properties, {})) {
			if (!('answer' in operation)) continue;
			if (operation.value === 'updateAsset' && Object.keys(values.fields as object).length === 0) continue;
			await operation.answer({ ...contextOf(values, operation.properties), itemIndex: 0 });
			expect([values, refusals()]).toEqual([values, []]);
		}
		expect(asked.length).toBeGreaterThan(0);
	});
});
