import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';
import sharp from 'sharp';

export interface ReplicateEmulator {
	/** REPLICATE_BASE_URL */
	url: string;
	/** host:port, for the guard. */
	host: string;
	token: string;
	/** Input fields of the one model that exists, `acme/model`. */
	fields: Record<string, { type: string; format?: string }>;
	/** What the model answers for a picture; throws to fail. Default: the picture twice as large. */
	run(picture: Buffer, input: Record<string, unknown>): Promise<Buffer>;
	/** Instead of a picture, what the model answers: a text, a vector … Null: a picture. */
	says: ((picture: Buffer, input: Record<string, unknown>) => unknown) | null;
	/** Answered before anything else is looked at, in order. */
	failures: Array<{ status: number; headers?: Record<string, string>; when: 'create' | 'get' | 'model' | 'upload' }>;
	/** A prediction stays `processing` while this is true. */
	slow: boolean;
	counts: { created: number; cancelled: number; uploaded: number; looks: number };
	/** `cancelAfter`: the header of that name; null: it may run for ever. */
	predictions: Array<{ version: string; input: Record<string, unknown>; cancelAfter: string | null }>;
	close(): Promise<void>;
}

const VERSION = 'f'.repeat(64);

class Refused extends Error {
	readonly status: number;
	constructor(status: number, detail: string) {
		super(detail);
		this.status = status;
	}
}

interface Running {
	id: string;
	status: string;
	output: unknown;
	error: string | null;
	input: Record<string, unknown>;
	metrics: { predict_time?: number };
	looks: number;
}

/** The part of api.replicate.com that is used: models, files, predictions. Refuses what the real one refuses. */
export async function startReplicate(): Promise<ReplicateEmulator> {
	const uploads = new Map<string, Buffer>();
	const results = new Map<string, Buffer>();
	const running = new Map<string, Running>();
	const emulator: Omit<ReplicateEmulator, 'url' | 'host' | 'close'> = {
		token: 'r8_test',
		fields: { image: { type: 'string', format: 'uri' }, scale: { type: 'number' }, prompt: { type: 'string' } },
		run: async (picture) => {
			const { width = 1, height = 1 } = await sharp(picture).metadata();
			return sharp(picture).resize(width * 2, height * 2).png().toBuffer();
		},
		says: null,
		failures: [],
		slow: false,
		counts: { created: 0, cancelled: 0, uploaded: 0, looks: 0 },
		predictions: [],
	};
	let base = '';

	const checked =
		(when: ReplicateEmulator['failures'][number]['when'], work: (request: Request, response: Response) => unknown) =>
		async (request: Request, response: Response): Promise<void> => {
			try {
				if (request.headers.authorization !== `Bearer ${emulator.token}`) throw new Refused(401, 'You did not pass a valid authentication token');
				const index = emulator.failures.findIndex((failure) => failure.when === when);
				const failure = index >= 0 ? emulator.failures.splice(index, 1)[0] : undefined;
				if (failure) {
					response.status(failure.status).set(failure.headers ?? {}).json({ detail: `Scripted ${failure.status}`, status: failure.status });
					return;
				}
				response.json(await work(request, response));
			} catch (error) {
				const status = error instanceof Refused ? error.status : 500;
				response.status(status).json({ title: 'Refused', detail: error instanceof Error ? error.message : String(error), status });
			}
		};

	const shown = ({ looks: _, ...prediction }: Running) => ({ ...prediction, version: VERSION, model: 'acme/model', urls: { get: `${base}/predictions/${prediction.id}`, cancel: `${base}/predictions/${prediction.id}/cancel` } });
	const version = () => ({ id: VERSION, cog_version: '0.9.0', created_at: '2026-01-01T00:00:00Z', openapi_schema: { components: { schemas: { Input: { type: 'object', properties: emulator.fields } } } } });
	const find = (id: unknown): Running => {
		const found = running.get(String(id));
		if (!found) throw new Refused(404, 'The requested resource could not be found.');
		return found;
	};

	async function begin(prediction: Running): Promise<void> {
		const field = Object.keys(emulator.fields).find((name) => emulator.fields[name]?.format === 'uri') ?? '';
		const picture = uploads.get(String(prediction.input[field]).split('/').at(-1) ?? '');
		if (!picture) throw new Refused(422, `input.${field} is no file that can be read`);
		try {
			if (emulator.says) prediction.output = emulator.says(picture, prediction.input);
			else {
				results.set(prediction.id, await emulator.run(picture, prediction.input));
				prediction.output = [`${base.replace('/v1', '')}/delivery/${prediction.id}.png`];
			}
			prediction.metrics = { predict_time: 1.5 };
		} catch (error) {
			prediction.error = error instanceof Error ? error.message : String(error);
			prediction.metrics = { predict_time: 0.5 };
		}
	}

	const app = express();
	app.get(
		'/v1/models/:owner/:name',
		checked('model', ({ params }) => {
			if (params['owner'] !== 'acme' || params['name'] !== 'model') throw new Refused(404, 'The requested resource could not be found.');
			return { owner: 'acme', name: 'model', latest_version: version() };
		}),
	);
	app.get(
		'/v1/models/:owner/:name/versions/:id',
		checked('model', ({ params }) => {
			if (params['id'] !== VERSION) throw new Refused(404, 'The requested resource could not be found.');
			return version();
		}),
	);
	app.post(
		'/v1/files',
		express.raw({ type: 'multipart/form-data', limit: '100mb' }),
		checked('upload', async (request, response) => {
			const form = await new globalThis.Response(new Uint8Array(request.body as Buffer), { headers: { 'content-type': request.headers['content-type'] ?? '' } }).formData();
			const content = form.get('content');
			if (!(content instanceof Blob)) throw new Refused(400, 'content: this field is required');
			const id = randomUUID();
			uploads.set(id, Buffer.from(await content.arrayBuffer()));
			emulator.counts.uploaded++;
			response.status(201);
			return { id, content_type: content.type, size: content.size, urls: { get: `${base}/files/${id}` } };
		}),
	);
	app.post(
		'/v1/predictions',
		express.json({ limit: '1mb' }),
		checked('create', async (request, response) => {
			const { version: wanted, input } = request.body as { version?: string; input?: Record<string, unknown> };
			if (wanted !== VERSION) throw new Refused(422, 'The specified version does not exist (or perhaps you don’t have permission to use it?)');
			if (!input) throw new Refused(422, 'input is required');
			const cancelAfter = request.get('cancel-after') ?? null;
			if (cancelAfter !== null && !/^\d+(?:\.\d+)?[smh]?$/.test(cancelAfter)) throw new Refused(422, 'Cancel-After: expected a number and a unit, e.g. 90s or 15m');
			for (const [name, value] of Object.entries(input)) {
				const field = emulator.fields[name];
				if (!field) throw new Refused(422, `input: Additional property ${name} is not allowed`);
				if (typeof value !== field.type) throw new Refused(422, `input.${name}: Invalid type`);
			}
			const prediction: Running = { id: randomUUID(), status: 'starting', output: null, error: null, input, metrics: {}, looks: 0 };
			running.set(prediction.id, prediction);
			emulator.counts.created++;
			emulator.predictions.push({ version: wanted, input, cancelAfter });
			await begin(prediction);
			response.status(201);
			return shown(prediction);
		}),
	);
	app.get(
		'/v1/predictions/:id',
		checked('get', ({ params }) => {
			const prediction = find(params['id']);
			emulator.counts.looks++;
			prediction.looks++;
			if (prediction.status === 'starting') prediction.status = 'processing';
			else if (prediction.status === 'processing' && !emulator.slow) prediction.status = prediction.error === null ? 'succeeded' : 'failed';
			return prediction.status === 'succeeded' ? shown(prediction) : { ...shown(prediction), output: null };
		}),
	);
	app.post(
		'/v1/predictions/:id/cancel',
		checked('get', ({ params }) => {
			const prediction = find(params['id']);
			prediction.status = 'canceled';
			emulator.counts.cancelled++;
			return shown(prediction);
		}),
	);
	// Results are public links that end after an hour; no token belongs there.
	app.get('/delivery/:name', (request, response) => {
		const result = results.get(String(request.params['name']).replace('.png', ''));
		if (!result || request.headers.authorization) response.status(404).end();
		else response.type('png').send(result);
	});
	const server = app.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
	base = `http://${host}/v1`;
	return Object.assign(emulator, {
		url: base,
		host,
		close: async () => {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	});
}
