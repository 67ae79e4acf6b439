import { NodeApiError } from 'n8n-workflow';
import type {
	IBinaryData,
	IDataObject,
	IExecuteData,
	IExecuteFunctions,
	IHttpRequestOptions,
	INode,
	INodeExecutionData,
	JsonObject,
} from 'n8n-workflow';

/** What a test says about the node run that it plays. */
export interface FakeRun {
	/** Parameters of the node; a function gets the index of the item. */
	parameters: Record<string, unknown> | ((itemIndex: number) => Record<string, unknown>);
	items?: INodeExecutionData[];
	credentials?: Record<string, Record<string, unknown>>;
	node?: Partial<INode>;
	continueOnFail?: boolean;
	tool?: boolean;
	binaryStream?: () => NodeJS.ReadableStream;
	binarySize?: number;
	/** What the workflow remembers of this node. */
	staticData?: IDataObject;
}

/** The part of n8n that a node run touches, with what the node left in it. HTTP goes out for real. */
export interface FakeContext {
	context: IExecuteFunctions;
	nodeContext: IDataObject;
	executeData: IExecuteData;
	waits: Date[];
	staticData: IDataObject;
	/** What the node wrote into n8n's log. */
	logged: string[];
}

export const NODE: INode = {
	id: '0b7b2a3e-7b51-4f5e-9a3c-0a6e4d1c2b3a',
	name: 'Media "A"',
	type: 'n8n-nodes-media-pipeline.mediaIngest',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};

export const RESUME_URL = 'http://n8n.test/webhook-waiting/77?signature=abc';

export function fakeContext(run: FakeRun): FakeContext {
	const items: INodeExecutionData[] = run.items ?? [{ json: {} }];
	const nodeContext: IDataObject = {};
	const waits: Date[] = [];
	const staticData = run.staticData ?? {};
	const logged: string[] = [];
	const node: INode = { ...NODE, credentials: named(run.credentials), ...run.node };
	const executeData: IExecuteData = { data: { main: [items] }, node, source: { main: [{ previousNode: 'Before' }] } };
	const read = (name: string, itemIndex: number, fallback?: unknown): unknown => {
		const parameters = typeof run.parameters === 'function' ? run.parameters(itemIndex) : run.parameters;
		const value = at(parameters, name);
		if (value !== undefined) return value;
		// As n8n, for which an undefined fallback is none.
		if (fallback === undefined) throw new Error(`Could not get parameter "${name}"`);
		return fallback;
	};
	const helpers: Partial<IExecuteFunctions['helpers']> = {
		httpRequest: (options) => request(options),
		httpRequestWithAuthentication: (type, options) =>
			request(options, String(run.credentials?.[type]?.apiKey ?? run.credentials?.[type]?.accessToken ?? '')).catch(
				// As n8n: this helper, unlike the other one, wraps what it throws.
				(error: unknown) => {
					throw new NodeApiError(node, error as JsonObject);
				},
			),
		assertBinaryData: (itemIndex, field) => items[itemIndex]?.binary?.[String(field)] as IBinaryData,
		getBinaryMetadata: () => Promise.resolve({ fileSize: run.binarySize ?? 0 }),
		getBinaryStream: () => Promise.resolve(run.binaryStream?.() as Awaited<ReturnType<IExecuteFunctions['helpers']['getBinaryStream']>>),
	};
	const context: Partial<IExecuteFunctions> = {
		helpers: helpers as IExecuteFunctions['helpers'],
		getInputData: () => items,
		getNode: () => node,
		getNodeParameter: ((name: string, itemIndex: number, fallback?: unknown) => read(name, itemIndex, fallback)) as IExecuteFunctions['getNodeParameter'],
		getCredentials: ((type: string) => Promise.resolve(run.credentials?.[type] ?? {})) as IExecuteFunctions['getCredentials'],
		continueOnFail: () => run.continueOnFail ?? false,
		isToolExecution: () => run.tool ?? false,
		getExecutionId: () => '77',
		getTimezone: () => 'Europe/Berlin',
		getExecutionCancelSignal: () => undefined,
		evaluateExpression: (expression) => (expression.includes('$runIndex') ? 0 : RESUME_URL),
		getContext: () => nodeContext,
		getWorkflowStaticData: () => staticData,
		logger: { info: (text: string) => void logged.push(text) } as IExecuteFunctions['logger'],
		getExecuteData: () => executeData,
		setMetadata: (metadata) => void (executeData.metadata = { ...executeData.metadata, ...metadata }),
		putExecutionToWait: (date) => Promise.resolve(void waits.push(date)),
	};
	return { context: context as IExecuteFunctions, nodeContext, executeData, waits, staticData, logged };
}

function named(credentials: FakeRun['credentials']): INode['credentials'] {
	return Object.fromEntries(Object.keys(credentials ?? {}).map((type) => [type, { id: '1', name: type }]));
}

/** `options.width` of `{ options: { width: 1 } }` */
function at(value: unknown, path: string): unknown {
	return path.split('.').reduce<unknown>((object, key) => (object as Record<string, unknown> | undefined)?.[key], value);
}

/** As n8n's helper behaves with the options that the nodes use. */
async function request(options: IHttpRequestOptions, bearer?: string): Promise<unknown> {
	const headers = new Headers(options.headers as Record<string, string>);
	headers.delete('content-length');
	if (bearer) headers.set('authorization', `Bearer ${bearer}`);
	const init: RequestInit & { duplex?: 'half' } = { method: options.method ?? 'GET', headers, redirect: options.disableFollowRedirect ? 'manual' : 'follow' };
	if (options.json && options.body !== undefined) {
		headers.set('content-type', 'application/json');
		init.body = JSON.stringify(options.body);
	} else if (options.body !== undefined) {
		init.body = options.body as RequestInit['body'];
		init.duplex = 'half';
	}
	const response = await fetch(options.url, init);
	const text = await response.text();
	const body: unknown = text.startsWith('{') ? JSON.parse(text) : text;
	if (!response.ok && !options.ignoreHttpStatusErrors) {
		throw Object.assign(new Error(`Request failed with status code ${response.status}`), { response: { status: response.status } });
	}
	return options.returnFullResponse ? { statusCode: response.status, body, headers: Object.fromEntries(response.headers) } : body;
}
