import type { Credentials, Platform, Post, PostMedia, Settings } from '../../../../sidecar/src/social/platform.ts';
import type { Answer, Failure, Hold } from '../../../platforms/emulator.ts';
import type { Clock } from '../support.ts';

/** What the contract suite needs of every emulator. */
export interface StageEmulator {
	url: string;
	/** Public posts, oldest first. */
	posts: ReadonlyArray<{ id: string; permalink: string; media: ReadonlyArray<{ sha256: string; alt: string | null }> }>;
	calls: ReadonlyArray<{ step: string }>;
	/** Calls that can make something public, whatever their answer. */
	publicCalls: number;
	count(step: string): number;
	fail(step: string, failure: Failure): void;
	hold(step: string, when: 'before' | 'after', skip?: number): Hold;
	/** Every upload is gone. */
	forgetMedia(): void;
	close(): Promise<void>;
}

/** One platform with its emulator, in the form that the contract suite needs. */
export interface Stage {
	emulator: StageEmulator;
	/** A fresh object each time, as a new process would make it. */
	platform(): Platform;
	credentials: Credentials;
	settings?: Settings;
	/** The post of this text and these media, with whatever else the platform insists on. Default: as it is. */
	post?(post: Post): Post;
	/** The suite's video (H.264, 1280×720, 10 s, 2 MiB and a rest), in the form that this platform takes. Default: as it is. */
	media?(video: PostMedia): PostMedia;
	/** Posts of words alone are possible. Default: true. */
	textAlone?: boolean;
	/** Name of the account. Default: demo. */
	account?: string;
	/** Steps that publishing a video with alternative text goes through, in this order. */
	steps: string[];
	/** Step of the upload that sends bytes, or tells where they are. */
	uploadStep: string;
	/** Step of the call that makes the post public. Default: create. */
	finishStep?: string;
	/** Steps that only look for a post whose outcome is unknown: never called when all goes well. */
	lookSteps: string[];
	/** Calls of the look steps that an ordinary post makes all the same. Default: 0. */
	ordinaryLooks?: number;
	/** Steps that tell what has become of a post, and are called when all goes well, too: the platform publishes by itself. */
	alwaysLooks?: string[];
	/** What the platform answers in its own form. */
	answers: {
		/** The token is not accepted. Default: 401. */
		expired?: Answer;
		/** Nothing can be done about it; its words hold `message`. */
		refused(message: string): Answer;
		/** Too many calls, until this time (milliseconds since 1970). */
		throttled(until: number): Answer;
	};
	/** Where the platform has no check: after these failures of these steps the outcome may stay unknown. */
	mayStayUnknown?(step: string, failure: Failure): boolean;
	/** Letters that are too many for it. Default 501. */
	tooLong?: number;
	remoteTexts(): string[];
	/** Of each post the hashes of its media. */
	remoteHashes(): string[][];
	close(): Promise<void>;
}

/** What is needed to submit a post. */
export type Account = Pick<Stage, 'platform' | 'credentials' | 'settings' | 'post'>;

export type StartStage = (clock: Clock) => Promise<Stage>;
