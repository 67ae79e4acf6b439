import { charged, metered, spend } from '../../../sidecar/src/ai/meter.ts';

describe('what AI uses', () => {
	const twice = (usage: Record<string, number>) => ({ ...usage, ai_usd: (usage['ai_tokens'] ?? 0) * 2 });

	async function heard(work: () => Promise<unknown>): Promise<{ told: Array<Record<string, number>>; error: unknown }> {
		const told: Array<Record<string, number>> = [];
		const error = await metered((usage) => void told.push(usage), work).then(
			() => null,
			(thrown: unknown) => thrown,
		);
		return { told, error };
	}

	it('is told by the answer, once, with its price, whatever its parts have told', async () => {
		const { told } = await heard(() =>
			charged(twice, async () => {
				spend({ ai_tokens: 1 });
				await Promise.resolve();
				spend({ ai_tokens: 2 });
				return { usage: { ai_tokens: 3 } };
			}),
		);
		expect(told).toEqual([{ ai_tokens: 3, ai_usd: 6 }]);
	});

	it('is told by the parts where there is no answer', async () => {
		const reason = new Error('gone');
		const { told, error } = await heard(() =>
			charged(twice, () => {
				spend({ ai_tokens: 1 });
				spend({ ai_tokens: 2 });
				return Promise.reject(reason);
			}),
		);
		expect([told, error]).toEqual([[{ ai_tokens: 3, ai_usd: 6 }], reason]);
		expect((await heard(() => charged(twice, () => Promise.reject(reason)))).told).toEqual([]);
	});

	it('is that of each job by itself, however many work at the same time', async () => {
		const jobs = await Promise.all(
			[1, 2, 3].map((tokens) =>
				heard(async () => {
					for (let call = 0; call < tokens; call++) {
						await new Promise((resolve) => setImmediate(resolve));
						await charged(twice, () => Promise.resolve({ usage: { ai_tokens: tokens } }));
					}
				}),
			),
		);
		expect(jobs.map(({ told }) => told.map((usage) => usage['ai_tokens']))).toEqual([[1], [2, 2], [3, 3, 3]]);
	});

	it('is nobody\'s where nobody asks', async () => {
		expect(await charged(twice, () => Promise.resolve({ usage: { ai_tokens: 1 }, text: 'x' }))).toEqual({ usage: { ai_tokens: 1, ai_usd: 2 }, text: 'x' });
	});
});
