import type { Capabilities, Capability } from '../ai.ts';
import type { Answered } from '../provider.ts';
import { otherVoice } from '../speaker.ts';

/** Tasks with the common shape. `transform` is chosen by the operations, by task. */
export type Routable = Exclude<Capability, 'transform'>;

/** What stands between a caller and providers: the choice among many, or the limits and the price of one. */
export interface Way<P> {
	obstacle(can: (provider: P) => string | null, languages?: ReadonlyArray<string | undefined>): string | null;
	/** `languages`: those that the call is about; undefined: unknown. */
	ask<A extends Answered>(call: Call<P, A>): Promise<A>;
}

export interface Call<P, A> {
	signal: AbortSignal;
	can(provider: P): string | null;
	languages?: ReadonlyArray<string | undefined>;
	make(provider: P): Promise<A>;
}

type Method<C extends Routable> = { [K in keyof Capabilities[C]]: Capabilities[C][K] extends (...given: never[]) => unknown ? K : never }[keyof Capabilities[C]];
/** What a provider is, apart from what it does: its name, model, space … */
export type Head<C extends Routable> = Omit<Capabilities[C], Method<C>>;

const free = (provider: { obstacle(): string | null }): string | null => provider.obstacle();

/** How each task is called: builds something of the shape of a provider, whose every call goes the way given. */
export const SHAPES: { [C in Routable]: (head: Head<C>, way: Way<Capabilities[C]>) => Capabilities[C] } = {
	transcribe: (head, { obstacle, ask }) => ({
		...head,
		obstacle: (language) => obstacle((provider) => provider.obstacle(language), [language]),
		transcribe: (path, options) =>
			ask({ signal: options.signal, languages: [options.language], can: (provider) => provider.obstacle(options.language), make: (provider) => provider.transcribe(path, options) }),
	}),
	describe: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		describe: (pictures, options) => ask({ signal: options.signal, languages: [options.language ?? 'en'], can: free, make: (provider) => provider.describe(pictures, options) }),
	}),
	write: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		write: (request) => ask({ signal: request.signal, can: free, make: (provider) => provider.write(request) }),
	}),
	translate: (head, { obstacle, ask }) => ({
		...head,
		obstacle: (pair) => obstacle((provider) => provider.obstacle(pair), pair ? [pair.to] : []),
		translate: (request) =>
			ask({ signal: request.signal, languages: [request.to], can: (provider) => provider.obstacle({ from: request.from, to: request.to }), make: (provider) => provider.translate(request) }),
	}),
	embed: (head, { obstacle, ask }) => ({
		...head,
		obstacle: (language) => obstacle((provider) => provider.obstacle(language), language ? [language] : []),
		embed: (texts, options) => ask({ signal: options.signal, can: free, make: (provider) => provider.embed(texts, options) }),
	}),
	embed_image: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		embedImages: (pictures, options) => ask({ signal: options.signal, can: free, make: (provider) => provider.embedImages(pictures, options) }),
	}),
	label: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		label: (pictures, options) => ask({ signal: options.signal, can: free, make: (provider) => provider.label(pictures, options) }),
	}),
	detect: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		detectObjects: (pictures, options) => ask({ signal: options.signal, can: free, make: (provider) => provider.detectObjects(pictures, options) }),
	}),
	faces: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		detectFaces: (pictures, options) => ask({ signal: options.signal, can: free, make: (provider) => provider.detectFaces(pictures, options) }),
	}),
	read_text: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		read: (pictures, options) => ask({ signal: options.signal, can: free, make: (provider) => provider.read(pictures, options) }),
	}),
	moderate: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		moderate: (pictures, options) => ask({ signal: options.signal, can: free, make: (provider) => provider.moderate(pictures, options) }),
	}),
	speak: (head, { obstacle, ask }) => ({
		...head,
		obstacle: (language) => obstacle((provider) => provider.obstacle(language), language ? [language] : []),
		speak: (request) =>
			ask({ signal: request.signal, languages: [request.language], can: (provider) => otherVoice(provider, request.like) ?? provider.obstacle(request.language), make: (provider) => provider.speak(request) }),
	}),
	dub: (head, { obstacle, ask }) => ({
		...head,
		obstacle: () => obstacle(free),
		dub: (request) => ask({ signal: request.signal, languages: [request.to], can: free, make: (provider) => provider.dub(request) }),
	}),
};
