import { ingest } from '../../../nodes/MediaIngest/operations/ingest';
import { build } from '../support/build';

const ASSET = '7b0c7c1e-4c7f-4d0a-9a53-0f5b6c1d2e3f';
const ingested = async (options: Record<string, unknown>) => (await build(ingest, { source: 'url', fileUrl: 'https://a.test/v', options }))[0];

describe('the options of Ingest', () => {
	it('become details, metadata and wishes of the request', async () => {
		const options = { title: ' T ', description: 'D', language: 'de', owner: 'O', tags: 'a, b，c\nd,,', metadata: '{"campaign":"spring"}', dedupe: 'copy', pipeline: 'default', scan: true };
		expect(await ingested(options)).toEqual({
			operation: 'ingest',
			file_url: 'https://a.test/v',
			details: { title: 'T', description: 'D', language: 'de', owner: 'O', tags: ['a', 'b', 'c', 'd'] },
			metadata: { campaign: 'spring' },
			dedupe: 'copy',
			pipeline: 'default',
			scan: true,
		});
	});

	it('that are empty are left out', async () => {
		expect(await ingested({ title: '', tags: ' , ', metadata: '{}', pipeline: '', scan: false })).toEqual({ operation: 'ingest', file_url: 'https://a.test/v' });
	});

	it('take lists and objects of expressions', async () => {
		expect(await ingested({ tags: ['a', ' b '], metadata: { a: 1 } })).toMatchObject({ details: { tags: ['a', 'b'] }, metadata: { a: 1 } });
	});

	it.each(['{', '[1]', '"text"'])('refuse the metadata %s', async (metadata) => {
		await expect(ingested({ metadata })).rejects.toThrow('"Metadata"');
	});

	it('make the file the next version of an asset, which must be named', async () => {
		expect(await ingested({ dedupe: 'version', versionOf: ASSET })).toEqual({ operation: 'ingest', file_url: 'https://a.test/v', dedupe: 'version', asset_id: ASSET });
		await expect(ingested({ dedupe: 'version' })).rejects.toThrow('"Version Of" is empty');
		// Left over from before: it is hidden, and says nothing.
		expect(await ingested({ dedupe: 'link', versionOf: ASSET })).not.toHaveProperty('asset_id');
	});
});
