import type { ILoadOptionsFunctions, INodeListSearchResult, INodePropertyOptions } from 'n8n-workflow';
import { listAssets, listPipelines } from '../../shared/sidecar';

const PAGE = '50';

/** Fills the list of the field "Asset": newest first. */
export async function searchAssets(this: ILoadOptionsFunctions, filter?: string, paginationToken?: string): Promise<INodeListSearchResult> {
	const { assets, next_cursor: next } = await listAssets(this, { limit: PAGE, ...(filter ? { name: filter } : {}), ...(paginationToken ? { cursor: paginationToken } : {}) });
	return {
		results: assets.map((asset) => ({ name: nameOf(asset), value: asset.id, url: asset.thumbnail_url ?? undefined })),
		paginationToken: next ?? undefined,
	};
}

function nameOf({ id, title, metadata, file_type: type, created_at: created }: Awaited<ReturnType<typeof listAssets>>['assets'][number]): string {
	const name = title ?? (typeof metadata.file_name === 'string' ? metadata.file_name : id);
	return `${name} (${type ?? 'on its way'}, ${created.slice(0, 10)})`;
}

/** Fills the list of the option "Pipeline". */
export async function loadPipelines(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	const { pipelines } = await listPipelines(this);
	return pipelines.map(({ name, description, steps }) => ({ name, value: name, description: description || steps.map(({ operation }) => operation).join(', ') }));
}
