import { describe, expect, test } from '@jest/globals';
import { cpuMsOf } from '@stance/testing';
import { ProofRefused } from '../proof-refused.js';
import { parseXfcc } from './xfcc.js';

describe('X-Forwarded-Client-Cert', () => {
  test('is read as Envoy writes it', () => {
    const text =
      'By=spiffe://edge;By=spiffe://office;Hash=0a1b;Subject="CN=laptop-1,O=Example\\, Inc.";URI=urn:stance:device:laptop-1;DNS=a.example;dns=b.example';
    expect(Object.fromEntries(parseXfcc(text))).toEqual({
      by: ['spiffe://edge', 'spiffe://office'],
      hash: ['0a1b'],
      subject: ['CN=laptop-1,O=Example\\, Inc.'],
      uri: ['urn:stance:device:laptop-1'],
      dns: ['a.example', 'b.example'],
    });
  });

  test('has nothing of what stands in quotes', () => {
    const said = parseXfcc('Subject="CN=x\\";URI=urn:a,Hash=1;URI=\\"";URI=urn:b');
    expect(said.get('uri')).toEqual(['urn:b']);
    expect(said.get('hash')).toBeUndefined();
  });

  test.each([
    ['two certificates', 'Hash=0a;URI=urn:a,Hash=0b;URI=urn:b'],
    ['a certificate and nothing after the comma', 'Hash=0a,'],
    ['a hash twice', 'Hash=0a;hash=0b'],
    ['a subject twice', 'Subject="CN=a";Subject="CN=b"'],
    ['a quote that does not end', 'Subject="CN=a'],
    ['a quote whose end is escaped', 'Subject="CN=a\\"'],
    ['something after a quote', 'Subject="CN=a"b;Hash=0a'],
    ['a quote in the middle', 'URI=urn:"a"'],
    ['an equals sign that is not quoted', 'URI=urn:a=b'],
    ['no value', 'Hash'],
    ['no name', '=0a'],
    ['an empty field', 'Hash=0a;;URI=urn:a'],
    ['an end that promises more', 'Hash=0a;'],
    ['a space', 'Hash=0a; URI=urn:a'],
    ['nothing', ''],
  ])('is refused with %s', (_case, text) => {
    expect(() => parseXfcc(text)).toThrow(ProofRefused);
  });

  test('that is hostile is refused in no time', () => {
    const took = cpuMsOf(() => expect(() => parseXfcc(`Subject="${'\\\\'.repeat(8_000)}`)).toThrow(ProofRefused));
    expect(took).toBeLessThan(500);
  });
});
