import { randomUUID } from 'node:crypto';
import type { WorkflowFile, WorkflowNode } from '../../../scripts/lib/n8n-api.ts';
import { PACKAGE_NAME } from '../../../scripts/lib/paths.mjs';

/** Builds small workflows for the tests, e.g. `new WorkflowBuilder('x').webhook().media('Compress', 'mediaTranscode', {…})`. */
export class WorkflowBuilder {
	/** Path of its webhook. Different for every workflow, since all tests of a file share one n8n. */
	readonly path: string;
	readonly #name: string;
	readonly #nodes: WorkflowNode[] = [];
	readonly #connections: Record<string, Record<string, Array<Array<{ node: string; type: string; index: number }>>>> = {};
	#last: string | null = null;

	constructor(name: string) {
		this.#name = name;
		this.path = `${name.replace(/[^a-z0-9]+/gi, '-').toLowerCase()}-${randomUUID().slice(0, 8)}`;
	}

	/** The start of it, `Webhook`, answers at once. */
	webhook(): this {
		return this.add('Webhook', 'n8n-nodes-base.webhook', 2, { path: this.path, httpMethod: 'POST', responseMode: 'onReceived', options: {} }, { webhookId: randomUUID() });
	}

	/** One item per entry of `items` in the webhook's body, with the fields of the entry. */
	items(): this {
		return this.add('Items', 'n8n-nodes-base.splitOut', 1, { fieldToSplitOut: 'body.items', options: {} });
	}

	/** A node of this package. */
	media(name: string, type: string, parameters: Record<string, unknown>, more: Partial<WorkflowNode> = {}): this {
		return this.add(name, `${PACKAGE_NAME}.${type}`, 1, parameters, more);
	}

	nothing(name: string): this {
		return this.add(name, 'n8n-nodes-base.noOp', 1, {});
	}

	/** Adds a node behind the one added before. */
	add(name: string, type: string, typeVersion: number, parameters: Record<string, unknown>, more: Partial<WorkflowNode> = {}): this {
		const position: [number, number] = [this.#nodes.length * 220, 0];
		this.#nodes.push({ id: randomUUID(), name, type, typeVersion, position, parameters, ...more });
		if (this.#last) this.link(this.#last, name);
		this.#last = name;
		return this;
	}

	/** What is added next is linked behind this node; null: behind none. */
	after(name: string | null): this {
		this.#last = name;
		return this;
	}

	link(from: string, to: string, output = 0): this {
		const main = ((this.#connections[from] ??= {}).main ??= []);
		while (main.length <= output) main.push([]);
		main[output]!.push({ node: to, type: 'main', index: 0 });
		return this;
	}

	/** A node that serves another one, as a model or a tool serves an agent. */
	attach(to: string, as: string, name: string, type: string, typeVersion: number, parameters: Record<string, unknown>, more: Partial<WorkflowNode> = {}): this {
		const last = this.#last;
		this.after(null).add(name, type, typeVersion, parameters, more).after(last);
		this.#connections[name] = { [as]: [[{ node: to, type: as, index: 0 }]] };
		return this;
	}

	/** Stops the execution with an error when something leaves the Failed output of a node. */
	failTo(from: string, name = `${from} Failed`): this {
		const last = this.#last;
		this.#last = null;
		this.add(name, 'n8n-nodes-base.stopAndError', 1, { errorMessage: '={{ $json.code }}: {{ $json.message }}' });
		this.#last = last;
		return this.link(from, name, 1);
	}

	idOf(name: string): string {
		const node = this.#nodes.find((candidate) => candidate.name === name);
		if (!node) throw new Error(`the workflow has no node "${name}"`);
		return node.id;
	}

	build(): WorkflowFile {
		const settings = { executionOrder: 'v1', saveDataSuccessExecution: 'all', saveDataErrorExecution: 'all' };
		return { name: this.#name, nodes: this.#nodes, connections: this.#connections, settings };
	}
}
