import fc from 'fast-check';
import { shareFilters, type Chain } from '../../../sidecar/src/media/shared-filters.ts';

const share = (...chains: Chain[]) => shareFilters(chains, '[0:V:0]', (number) => `s${number}`);
const chain = (filters: string, pixels = 'yuv420p'): Chain => ({ filters: filters.split(' ').filter(Boolean), pixels });

/** The filters of each path from the source to a pad, `split` left out. */
function paths(graphs: string[]): Map<string, string[]> {
	const found = new Map<string, string[]>();
	for (const graph of graphs) {
		const before = new Map<string, string[]>([['[0:V:0]', []]]);
		for (const part of graph.split(';')) {
			const [, input = '', filters = '', outputs = ''] = /^(\[[^\]]+\])([^[\]]*)((?:\[[^\]]+\])+)$/.exec(part) ?? [];
			const way = [...(before.get(input) ?? ['nowhere']), ...filters.split(',').filter((filter) => !filter.startsWith('split='))];
			before.delete(input);
			for (const [pad] of outputs.matchAll(/\[[^\]]+\]/g)) before.set(pad, way);
		}
		for (const [pad, way] of before) found.set(pad, way);
	}
	return found;
}

describe('shareFilters', () => {
	it('computes once what chains begin with, and splits it where they part', () => {
		const { graphs, pads } = share(chain('fps=30 scale=2:2 format=gray'), chain('fps=30 scale=4:4'), chain('fps=30 scale=4:4'));
		expect(graphs).toEqual(['[0:V:0]fps=30,split=2[s0][s1];[s0]scale=2:2,format=gray[s2];[s1]scale=4:4,split=2[s3][s4]']);
		expect(pads).toEqual(['[s2]', '[s3]', '[s4]']);
	});

	it('leaves alone what shares nothing, and gives apart what shares apart', () => {
		expect(share(chain('scale=2:2'), chain('scale=4:4'), chain(''), chain(''))).toEqual({ graphs: [], pads: [null, null, null, null] });
		const { graphs, pads } = share(chain('fps=1 hflip'), chain('bwdif'), chain('fps=1'), chain('bwdif'));
		expect(graphs).toHaveLength(2);
		expect(pads).not.toContain(null);
	});

	it('lets no filter work in the pixels of another output, unless a format is named before they part', () => {
		expect(share(chain('scale=2:2', 'yuv420p'), chain('scale=2:2', 'yuv420p10le')).graphs).toEqual([]);
		expect(share(chain('scale=2:2 format=gray', 'yuv420p'), chain('scale=2:2 format=gray', 'rgb24')).graphs).toHaveLength(1);
		expect(share(chain('scale=2:2 hflip'), chain('scale=2:2 hflip scale=1:1')).graphs).toEqual([]);
		expect(share(chain('scale=2:2 lut3d=a.cube'), chain('scale=2:2 hflip')).graphs).toEqual([]);
		expect(share(chain('fps=30 scale=2:2', 'yuv420p'), chain('fps=30 scale=2:2', 'rgb24')).graphs[0]).toContain('fps=30,split=2');
	});

	it('shares nothing endless, nothing with labels of its own, and nothing in the memory of a graphics chip', () => {
		expect(share(chain('tpad=stop=-1 fps=1'), chain('tpad=stop=-1 fps=1')).graphs).toEqual([]);
		expect(share(chain('fps=1 split[x];[x]null'), chain('fps=1 split[x];[x]null')).graphs).toEqual([]);
		expect(share(chain('scale=2:2 format=nv12 hwupload'), chain('scale=2:2 format=nv12 hwupload')).graphs).toEqual([]);
	});

	it('spells the own chain of each output, with no filter twice behind the same ones', () => {
		const filters = fc.array(fc.constantFrom('fps=1', 'bwdif', 'scale=2:2', 'scale=4:4', 'format=gray', 'hflip', 'crop=2:2', 'tpad'), { maxLength: 5 });
		const chains = fc.array(fc.record({ filters, pixels: fc.constantFrom('yuv420p', 'rgb24') }), { maxLength: 7 });
		fc.assert(
			fc.property(chains, (all) => {
				const { graphs, pads } = shareFilters(all, '[0:V:0]', (number) => `s${number}`);
				const ways = paths(graphs);
				const used = pads.filter((pad) => pad !== null);
				expect(new Set(used).size).toBe(used.length);
				// No pad that nothing reads: ffmpeg refuses such graphs.
				expect([...ways.keys()].sort()).toEqual([...used].sort());
				pads.forEach((pad, index) => pad !== null && expect(ways.get(pad)).toEqual(all[index]?.filters));
				// Where pixels may be of any format and all end, as many filters as a tree of them has.
				const plain = all.filter(({ filters: own }) => !own.some((filter) => /tpad|format|scale/.test(filter)));
				const shared = shareFilters(plain, '[0:V:0]', (number) => `s${number}`);
				const members = plain.filter((_, index) => shared.pads[index] !== null);
				const nodes = new Set(members.flatMap(({ filters: own }) => own.map((_, index) => own.slice(0, index + 1).join())));
				const made = shared.graphs.join(';').replace(/\[[^\]]*\]/g, ',').split(/[,;]+/).filter((filter) => filter && !filter.startsWith('split='));
				expect(made).toHaveLength(nodes.size);
			}),
			{ numRuns: 300 },
		);
	});
});
