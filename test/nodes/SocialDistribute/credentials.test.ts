import { credentials, platforms } from '../../../nodes/SocialDistribute/platforms';
import { SocialDistribute } from '../../../nodes/SocialDistribute/SocialDistribute.node';

describe('the credentials of Social Distribute', () => {
	const { properties } = new SocialDistribute().description;

	it('are shown while their platform is chosen, each type once', () => {
		const types = credentials.map(({ name }) => name);
		expect(new Set(types).size).toBe(types.length);
		for (const platform of platforms) {
			for (const type of platform.credentials) {
				const shown = credentials.find(({ name }) => name === type)?.displayOptions?.show;
				expect([type, shown?.['/platforms']]).toEqual([type, expect.arrayContaining([platform.value])]);
			}
		}
	});

	/** n8n's editor hides a field that all credentials depend on, and the fields that this one depends on: Platforms and Operation. */
	it('depend on no field by its bare name', () => {
		const names = new Set(properties.map(({ name }) => name));
		const used = credentials.flatMap(({ displayOptions }) => Object.keys(displayOptions?.show ?? {}));
		expect(used.filter((name) => names.has(name))).toEqual([]);
		for (const path of used) expect(names).toContain(path.replace(/^\//, ''));
	});
});
