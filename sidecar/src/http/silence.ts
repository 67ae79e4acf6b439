import type { RequestHandler } from 'express';

/** As nginx has it (`client_body_timeout`): between two pieces of a body, not for the whole of it. */
export const SILENCE_MS = 60_000;

/**
 * Cuts the connection of a request whose body stops coming: nobody may hold an upload, a file and a connection for the life of a link by saying nothing.
 * What waits because we do not read it (the store is slow) is not silence.
 */
export function cutSilentBodies(silenceMs = SILENCE_MS): RequestHandler {
	return (request, _response, next) => {
		if (!Number(request.headers['content-length'] ?? 0) && request.headers['transfer-encoding'] === undefined) return next();
		const { socket } = request;
		let heard = socket.bytesRead;
		const timer = setInterval(() => {
			if (request.complete || request.destroyed) return clearInterval(timer);
			const isFull = request.readableLength >= request.readableHighWaterMark;
			if (socket.bytesRead === heard && !isFull) return void socket.destroy();
			heard = socket.bytesRead;
		}, silenceMs).unref();
		// Of the request, not of the connection: one that is kept alive would collect these.
		request.once('close', () => clearInterval(timer));
		next();
	};
}
