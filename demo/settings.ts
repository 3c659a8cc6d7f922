// SPDX-License-Identifier: MIT
//
// Which agent answers. What is entered here lives as long as the page, and is written nowhere.

import type { Agent } from './agent.js';
import { isInsecure, openAiAgent, parseBaseUrl } from './agent-openai.js';
import { scriptedAgent } from './agent-scripted.js';
import { byId, dialog } from './dom.js';

export class Settings {
  private readonly form = byId('settings-form', HTMLFormElement);
  private readonly fields = byId('endpoint-fields', HTMLElement);
  private readonly baseUrl = byId('base-url', HTMLInputElement);
  private readonly model = byId('model', HTMLInputElement);
  private readonly apiKey = byId('api-key', HTMLInputElement);
  private readonly insecure = byId('insecure', HTMLElement);
  private readonly error = byId('settings-error', HTMLElement);
  private chosen: Agent = scriptedAgent;

  constructor(private readonly onChange: (agent: Agent) => void) {
    const settings = dialog('settings-dialog', () => this.apply());
    byId('settings', HTMLButtonElement).addEventListener('click', settings.open);
    this.form.addEventListener('input', () => {
      this.update();
    });
    this.update();
    onChange(this.chosen);
  }

  get agent(): Agent {
    return this.chosen;
  }

  private get wantsEndpoint(): boolean {
    return new FormData(this.form).get('agent') === 'endpoint';
  }

  private update(): void {
    const url = parseBaseUrl(this.baseUrl.value);
    this.fields.hidden = !this.wantsEndpoint;
    this.insecure.hidden = !url || !isInsecure(url);
    this.error.hidden = true;
  }

  private apply(): boolean {
    const problem = this.wantsEndpoint ? this.problem() : undefined;
    if (problem) {
      this.error.textContent = problem;
      this.error.hidden = false;
      return false;
    }
    const [baseUrl, model, apiKey] = [this.baseUrl, this.model, this.apiKey].map((field) =>
      field.value.trim(),
    );
    this.chosen = this.wantsEndpoint
      ? openAiAgent({ baseUrl: baseUrl ?? '', model: model ?? '', apiKey: apiKey ?? '' })
      : scriptedAgent;
    if (!this.wantsEndpoint) this.apiKey.value = '';
    this.onChange(this.chosen);
    return true;
  }

  private problem(): string | undefined {
    if (!parseBaseUrl(this.baseUrl.value))
      return 'The base URL must be an http or https address, like https://api.openai.com/v1.';
    if (this.model.value.trim() === '') return 'Which model should answer? Its name is missing.';
    if (/[^\x21-\x7e]/.test(this.apiKey.value.trim()))
      return 'The API key has characters that no key has.';
    return undefined;
  }
}
