/**
 * The resume URL of one node: `<id>` goes behind the execution id, the query (with n8n's own token) stays.
 * Without it every waiting node of an execution has the same URL, and a late callback for one node resumes another.
 */
export function resumeUrlOfNode(resumeUrl: string, nodeId: string): string {
	const url = new URL(resumeUrl);
	url.pathname = `${url.pathname.replace(/\/+$/, '')}/${encodeURIComponent(nodeId)}`;
	return url.toString();
}
