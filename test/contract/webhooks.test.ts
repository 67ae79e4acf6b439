import { readFileSync } from 'node:fs';
import { webhookRequestSchema, WEBHOOK_EVENTS } from '../../sidecar/src/contract/webhooks.ts';
import { events } from '../../nodes/MediaPipelineTrigger/events.ts';

/** What the trigger offers is what the sidecar takes. */
describe('the events of the trigger', () => {
	const offered = events.map(({ value }) => value);

	it.each(offered)('%s can be registered', (event) => {
		const request = { url: 'http://n8n:5678/webhook/7f3/media-pipeline', events: [event], description: 'n8n: Alerts / Media Pipeline Trigger' };
		expect(webhookRequestSchema.safeParse(request).error).toBeUndefined();
	});

	it('are all that the sidecar has', () => {
		expect(Object.keys(WEBHOOK_EVENTS).filter((type) => !offered.includes(type))).toEqual([]);
		expect(new Set(offered).size).toBe(offered.length);
	});

	it('are described in docs/webhooks.md', () => {
		const page = readFileSync(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
		const rows = [...page.matchAll(/^\| `([a-z]+\.[a-z_]+)` \| (.*) \|$/gm)].map(([, type, when]) => [type, when?.replace(': `data.url`.', '.')]);
		expect(Object.fromEntries(rows)).toEqual(WEBHOOK_EVENTS);
	});
});
