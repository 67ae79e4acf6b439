/** Filters that several outputs of one process begin with, computed once. Pure. */

/** The picture filters of an output. */
export interface Chain {
	filters: readonly string[];
	/** What its encoder wants of pixels, e.g. `yuv420p`: ffmpeg lets the filters before it work in that format. */
	pixels: string;
}

export interface SharedFilters {
	/** Filter graphs for `-filter_complex`, one for each set of outputs that share something. */
	graphs: string[];
	/** By the place of the chain: the label that its pictures come out at, or null where it shares nothing. */
	pads: Array<string | null>;
}

/**
 * A tree of the chains: where several begin with the same filters, those stand once, and their pictures are split. Each path
 * from the source to an end spells the chain of that output.
 * @param source where the pictures come from, e.g. `[0:V:0]`
 * @param label a label that no other graph of the process has
 */
export function shareFilters(chains: readonly Chain[], source: string, label: (number: number) => string): SharedFilters {
	const steps = chains.map(stepsOf);
	const pads: Array<string | null> = chains.map(() => null);
	let count = 0;
	const newPad = (): string => `[${label(count++)}]`;

	/** Graph from `pad` for two users or more, who agree on the filter at `from`. Where they part, each group gets its own copy. */
	const grow = (users: readonly number[], from: number, pad: string): string[] => {
		const end = agreedUntil(users.map((user) => steps[user] ?? []), from);
		const groups = grouped(users, (user) => steps[user]?.[end] ?? null).map((group) => ({ group, copy: newPad() }));
		const common = chains[users[0] ?? 0]?.filters.slice(from, end) ?? [];
		return [
			`${pad}${[...common, `split=${groups.length}`].join(',')}${groups.map(({ copy }) => copy).join('')}`,
			...groups.flatMap(({ group, copy }) => (group.length > 1 ? grow(group, end, copy) : finish(group[0] ?? 0, end, copy))),
		];
	};
	/** What only one user needs. */
	const finish = (user: number, from: number, pad: string): string[] => {
		const own = chains[user]?.filters.slice(from) ?? [];
		const out = own.length > 0 ? newPad() : pad;
		pads[user] = out;
		return own.length > 0 ? [`${pad}${own.join(',')}${out}`] : [];
	};
	const able = chains.map((_, index) => index).filter((index) => (steps[index]?.length ?? 0) > 0);
	const graphs = grouped(able, (user) => steps[user]?.[0] ?? null)
		.filter((users) => users.length > 1)
		.map((users) => grow(users, 0, source).join(';'));
	return { graphs, pads };
}

/** They take pixels of any format, and pass them on in the same. */
const FOR_ALL_PIXELS = /^(bwdif|fps|trim|setpts|setparams|setsar|crop|hflip|vflip|transpose)(=|$)/;
/** It may go on for ever, which would hold up those that share it. */
const ENDLESS = /^tpad(=|$)/;
/** Labels of its own, so not a plain list of filters; or frames in the memory of a graphics chip, which a device goes with. */
const APART = /[[\];]|^hwupload/;

/**
 * The filters that may be shared. What makes two the same: their words, and what comes next that is particular about pixels.
 * ffmpeg lets filters work in the format that is asked for there, and pictures of 10 bits would have only 8 if they were made
 * together with some of 8. What names a file of its own differs by itself.
 */
function stepsOf({ filters, pixels }: Chain): string[] {
	if (filters.some((filter) => APART.test(filter))) return [];
	const endless = filters.findIndex((filter) => ENDLESS.test(filter));
	let asDecoded = true;
	return filters.slice(0, endless < 0 ? undefined : endless).map((filter, index) => {
		asDecoded &&= FOR_ALL_PIXELS.test(filter);
		if (asDecoded) return JSON.stringify([filter]);
		const next = filter.startsWith('format=') ? filter : (filters.slice(index + 1).find((one) => !FOR_ALL_PIXELS.test(one)) ?? pixels);
		return JSON.stringify([filter, next]);
	});
}

/** How far all of them are the same. */
function agreedUntil(steps: ReadonlyArray<readonly string[]>, from: number): number {
	const [first = []] = steps;
	let end = from;
	while (end < first.length && steps.every((one) => one[end] === first[end])) end += 1;
	return end;
}

/** Those with the same key together, in their order; each without a key by itself. */
function grouped(users: readonly number[], keyOf: (user: number) => string | null): number[][] {
	const groups = new Map<string | number, number[]>();
	for (const user of users) {
		const key = keyOf(user) ?? user;
		groups.set(key, [...(groups.get(key) ?? []), user]);
	}
	return [...groups.values()];
}
