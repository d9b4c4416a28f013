import { describe, expect, it } from 'vitest';
import { easyAuth } from '../../../src/durable-agents/access/easy-auth.js';
import { principalHeader } from '../../support/principal-header.js';
import { httpRequest } from '../../support/http-request.js';

const access = { agentName: 'CallbackAgent', threadId: 'thread-1', action: 'read' } as const;
const OBJECT_ID = 'http://schemas.microsoft.com/identity/claims/objectidentifier';
const NAME_ID = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier';

const principalOf = (header: string | undefined) =>
  easyAuth()(httpRequest({ headers: header === undefined ? {} : { 'x-ms-client-principal': header } }), access);

const encoded = (principal: unknown) => Buffer.from(JSON.stringify(principal)).toString('base64');

describe('the user of App Service Authentication', () => {
  it.each([
    [
      'the object id of a Microsoft account',
      [
        [NAME_ID, 'pairwise'],
        [OBJECT_ID, 'object-1'],
      ],
      'aad|object-1',
    ],
    [
      'its short name',
      [
        ['oid', 'object-1'],
        ['sub', 'pairwise'],
      ],
      'aad|object-1',
    ],
    ['the name id of another provider', [[NAME_ID, 'user-1']], 'aad|user-1'],
    [
      'the subject',
      [
        ['sub', 'user-1'],
        ['name', 'Ann'],
      ],
      'aad|user-1',
    ],
  ])('is identified by %s', async (_what, claims, id) => {
    expect(await principalOf(principalHeader(claims))).toEqual({ id });
  });

  it('differs between providers', async () => {
    expect(await principalOf(principalHeader([['sub', 'user-1']], 'google'))).toEqual({ id: 'google|user-1' });
  });

  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['a header that is not JSON', 'AAAA'],
    ['no claims', encoded({ auth_typ: 'aad' })],
    ['no provider', encoded({ auth_typ: '', claims: [{ typ: 'sub', val: 'user-1' }] })],
    [
      'no claim that identifies a user permanently',
      principalHeader([
        ['name', 'Ann'],
        ['email', 'ann@example.com'],
      ]),
    ],
    ['an empty claim', principalHeader([['sub', '']])],
  ])('is undefined with %s', async (_what, header) => {
    expect(await principalOf(header)).toBeUndefined();
  });
});
