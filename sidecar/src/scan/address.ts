export type ClamdTarget = { path: string } | { host: string; port: number };

/** Pure. Null for what is neither a path nor `host:port`. */
export function clamdTarget(address: string): ClamdTarget | null {
	if (/^(unix:|\/|\.{1,2}\/)/.test(address)) return { path: address.replace(/^unix:(\/\/)?/, '') };
	const found = /^(?:tcp:\/\/)?(?:\[([0-9a-f:.]+)\]|([^:\s/[\]]+)):(\d{1,5})$/i.exec(address);
	const port = Number(found?.[3]);
	return found && port >= 1 && port <= 65_535 ? { host: found[1] ?? found[2] ?? '', port } : null;
}

export const isClamdAddress = (address: string): boolean => clamdTarget(address) !== null;
