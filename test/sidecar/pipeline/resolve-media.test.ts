import type { FileRow } from '../../../sidecar/src/db/jobs.ts';
import { choose } from '../../../sidecar/src/pipeline/resolve-media.ts';
import { PipelineError } from '../../../sidecar/src/errors.ts';
import { completeFacts } from '../../../sidecar/src/media/facts.ts';

const file = (id: string, name: string, mime: string, jobId: string): FileRow =>
	({ id, workspaceId: 'default', assetId: 'a', jobId, name, mime, storageKey: `jobs/${id}`, bytes: 1, width: null, height: null, durationSeconds: null, position: 0, part: false, createdAt: new Date() }) as FileRow;
/** Newest first, as they are stored. */
const files = [file('3', 'poster.jpg', 'image/jpeg', 'j2'), file('2', 'compressed.mp4', 'video/mp4', 'j2'), file('1', 'compressed.mp4', 'video/mp4', 'j1')];
const facts = completeFacts({ mime: 'video/mp4', fileType: 'video', container: 'mp4', bytes: 1, durationSeconds: 1, bitrate: null, video: null, audio: null });
const asset = { id: 'a', facts };
const idOf = (reference: Parameters<typeof choose>[0], given = files) => choose(reference, asset, given)?.id ?? 'original';

describe('the file of an asset that a post means', () => {
	it.each([
		[{ kind: 'useful' } as const, '2'],
		[{ kind: 'named', file: null, jobId: null } as const, 'original'],
		[{ kind: 'named', file: 'original', jobId: null } as const, 'original'],
		[{ kind: 'named', file: 'compressed.mp4', jobId: null } as const, '2'],
		[{ kind: 'named', file: 'compressed.mp4', jobId: 'j1' } as const, '1'],
		[{ kind: 'named', file: null, jobId: 'j1' } as const, '1'],
		[{ kind: 'named', file: null, jobId: 'j2' } as const, '3'],
	])('%j', (reference, id) => {
		expect(idOf(reference)).toBe(id);
	});

	it('is the original where no job has made one of its kind', () => {
		expect(idOf({ kind: 'useful' }, [files[0]!])).toBe('original');
	});

	it.each([
		[{ kind: 'named', file: 'nothing.mp4', jobId: null } as const],
		[{ kind: 'named', file: null, jobId: 'of-another-asset' } as const],
	])('is refused, with what there is: %j', (reference) => {
		expect(() => idOf(reference)).toThrow(PipelineError);
		expect(() => idOf(reference)).toThrow(/There are: original, poster\.jpg, compressed\.mp4\./);
	});
});
