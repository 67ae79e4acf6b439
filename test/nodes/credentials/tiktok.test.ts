import { ClientOAuth2 } from '@n8n/client-oauth2';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Workflow, type INode, type INodeParameters, type INodeType, type INodeTypes } from 'n8n-workflow';
import { MediaPipelineTikTokOAuth2Api } from '../../../credentials/MediaPipelineTikTokOAuth2Api.credentials';

const node: INode = { id: '1', name: 'credential', type: 'noOp', typeVersion: 1, position: [0, 0], parameters: {} };
const nodeType: INodeType = {
	description: { displayName: '', name: 'noOp', group: [], version: 1, description: '', defaults: { name: '' }, inputs: [], outputs: [], properties: [] },
};
const nodeTypes: INodeTypes = { getByName: () => nodeType, getByNameAndVersion: () => nodeType, getKnownTypes: () => ({}) };

/** The credential's fields as n8n fills them: defaults, what the user typed, expressions resolved. */
async function resolved(typed: Record<string, string>): Promise<Record<string, string>> {
	const defaults = new MediaPipelineTikTokOAuth2Api().properties.map(({ name, default: value }) => [name, value]);
	const data = { ...Object.fromEntries(defaults), ...typed } as INodeParameters;
	const workflow = new Workflow({ nodes: [node], connections: {}, active: false, nodeTypes });
	await workflow.expression.acquireIsolate();
	try {
		return workflow.expression.getComplexParameterValue(node, data, 'internal', {}, undefined, undefined, data) as Record<string, string>;
	} finally {
		await workflow.expression.releaseIsolate();
	}
}

let server: Server;
let received: { url: string; body: string; authorization: string | undefined };
beforeEach(async () => {
	server = createServer((request: IncomingMessage, response) => {
		let body = '';
		request.on('data', (chunk: Buffer) => (body += chunk.toString()));
		request.on('end', () => {
			received = { url: request.url ?? '', body, authorization: request.headers.authorization };
			response.setHeader('content-type', 'application/json');
			response.end('{"access_token":"act.1","refresh_token":"rft.2","token_type":"Bearer","expires_in":86400}');
		});
	}).listen(0, '127.0.0.1');
	await once(server, 'listening');
});
afterEach(() => server.close());

describe('the TikTok credential in n8n', () => {
	const client = async () => {
		const credential = await resolved({ clientId: 'aw key', clientSecret: 'secret' });
		const local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		const common = {
			clientId: credential['clientId']!,
			authentication: credential['authentication'] as 'body',
			accessTokenUri: credential['accessTokenUrl']!.replace('https://open.tiktokapis.com', local),
			authorizationUri: credential['authUrl']!,
			redirectUri: 'https://n8n.example.com/rest/oauth2-credential/callback',
			// As n8n splits and joins them.
			scopes: credential['scope']!.split(','),
			scopesSeparator: ',' as const,
			state: 'state',
		};
		return { credential, common };
	};

	it('sends the user to TikTok with the client key, and scopes with commas', async () => {
		const { credential, common } = await client();
		const query = Object.fromEntries(new URLSearchParams(credential['authQueryParameters']));
		const url = new URL(new ClientOAuth2({ ...common, query }).code.getUri());
		expect(url.origin + url.pathname).toBe('https://www.tiktok.com/v2/auth/authorize/');
		expect(Object.fromEntries(url.searchParams)).toMatchObject({ client_key: 'aw key', response_type: 'code', scope: 'user.info.basic,video.publish', state: 'state' });
	});

	it('gets the token with key and secret in the form, not in a header', async () => {
		const { credential, common } = await client();
		const body = { ...(JSON.parse(credential['additionalBodyProperties']!) as object), client_id: 'aw key', client_secret: 'secret' };
		await new ClientOAuth2({ ...common }).code.getToken(`${common.redirectUri}?code=c&state=state&scopes=video.publish`, { body });
		expect(Object.fromEntries(new URLSearchParams(received.body))).toMatchObject({ client_key: 'aw key', client_secret: 'secret', grant_type: 'authorization_code', code: 'c' });
		expect(received.authorization).toBeUndefined();
	});

	it('renews the token with the client key in the address', async () => {
		const { common } = await client();
		const token = new ClientOAuth2({ ...common, clientSecret: 'secret' }).createToken({ access_token: 'act.0', refresh_token: 'rft.1', expires_in: '1' }, 'bearer');
		await token.refresh();
		expect(new URL(received.url, 'http://x').searchParams.get('client_key')).toBe('aw key');
		expect(Object.fromEntries(new URLSearchParams(received.body))).toMatchObject({ client_secret: 'secret', grant_type: 'refresh_token', refresh_token: 'rft.1' });
	});
});
