import { ask, type TypedAnswer, type TypedRequest } from '../call.ts';
import type { Http } from '../http.ts';
import type { AccountRun } from '../platform.ts';
import { judgeYouTube } from './errors.ts';

export type YouTubeCall<T> = Omit<TypedRequest<T>, 'url' | 'token' | 'judge'> & {
	/** Below the base address, with its query. */
	path: string;
	/** At the host of uploads. */
	upload?: true;
};

export type SendYouTube = <T>(run: AccountRun, call: YouTubeCall<T>) => Promise<TypedAnswer<T>>;

/** One call of the Data API. */
export function createSend(http: Http, apiBaseUrl: string, uploadBaseUrl: string): SendYouTube {
	return (run, { path, upload, ...request }) =>
		ask(
			http,
			{
				...request,
				url: `${upload ? uploadBaseUrl : apiBaseUrl}${path}`,
				token: run.credentials.accessToken,
				judge: (status, body) => judgeYouTube(status, body, run.now()),
			},
			run,
		);
}
