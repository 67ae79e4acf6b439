import { resumeUrlOfNode } from '../../../nodes/shared/resumeUrl';

describe('resumeUrlOfNode', () => {
	it('puts the node id behind the execution id and keeps the signature', () => {
		expect(resumeUrlOfNode('http://n8n.test:5678/webhook-waiting/12?signature=abc', 'node-1')).toBe(
			'http://n8n.test:5678/webhook-waiting/12/node-1?signature=abc',
		);
	});

	it('keeps a path prefix of n8n and does not double slashes', () => {
		expect(resumeUrlOfNode('https://host/n8n/webhook-waiting/12/', 'a')).toBe('https://host/n8n/webhook-waiting/12/a');
	});
});
