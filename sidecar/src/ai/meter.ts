import { AsyncLocalStorage } from 'node:async_hooks';
import { addUsage } from './provider.ts';

/**
 * What AI has used, told at the moment it was used, by whatever asks for it within `metered`. Answers tell what they took, too; but
 * a job whose thirtieth call fails has no answer, and has paid for twenty-nine. The only thing here that is not handed on as
 * an argument: providers serve all jobs of the process, and every interface between them and a job would have to carry it.
 */
type Usage = Record<string, number>;

const meters = new AsyncLocalStorage<(usage: Usage) => void>();

/** `note` hears of everything that is used while `work` runs; a meter around this one does not. */
export const metered = <T>(note: (usage: Usage) => void, work: () => Promise<T>): Promise<T> => meters.run(note, work);

/** Tells the meter, where there is one. */
export const spend = (usage: Usage): void => meters.getStore()?.(usage);

/**
 * One call of a provider: what it took is told once, by its answer, or, where it fails, by what its parts have told until
 * then. `priced` says what it costs.
 */
export async function charged<A extends { usage: Usage }>(priced: (usage: Usage) => Usage, call: () => Promise<A>): Promise<A> {
	let parts: Usage | null = null;
	try {
		const answer = await metered((usage) => (parts = addUsage(parts ?? {}, usage)), call);
		const usage = priced(answer.usage);
		spend(usage);
		return { ...answer, usage };
	} catch (error) {
		if (parts) spend(priced(parts));
		throw error;
	}
}
