// Reads the prices bundled with @pydantic/genai-prices and writes libs/catalog/price-catalogue.json: exact decimal strings, dates and times of day made
// explicit. Run it after the package was updated: node tools/build-price-catalogue.mjs. A spec of libs/catalog does the same and compares.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitForUpdate } from '@pydantic/genai-prices';

const PACKAGE = '@pydantic/genai-prices';
const root = path.resolve(import.meta.dirname, '..');
const TARGET = path.join(root, 'libs/catalog/price-catalogue.json');

/** The package's names of prices per million tokens, and ours. Prices for writing to a cache are those of five minutes unless they say one hour. */
const KINDS = {
  input_mtok: 'input',
  output_mtok: 'output',
  cache_read_mtok: 'cacheRead',
  cache_write_mtok: 'cacheWrite5m',
  cache_write_1h_mtok: 'cacheWrite1h',
  output_reasoning_mtok: 'reasoning',
  input_audio_mtok: 'inputAudio',
  output_audio_mtok: 'outputAudio',
};
/** Tokens that events do not tell apart from the total they are part of. Where they have a price of their own, nobody can say what the total cost. */
const UNTOLD = {
  input_image_mtok: 'input_mtok',
  input_video_mtok: 'input_mtok',
  output_image_mtok: 'output_mtok',
  output_video_mtok: 'output_mtok',
  output_citation_mtok: 'output_mtok',
};
const SIGNIFICANT_DIGITS = 15;

/** The catalogue as text: one model on a line. */
export async function buildPriceCatalogue() {
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.resolve(PACKAGE)), 'utf8'));
  const license = await readFile(new URL('../LICENSE', import.meta.resolve(PACKAGE)), 'utf8');
  // Nothing has asked for an update, so this is the data that is bundled with the package.
  const providers = await waitForUpdate();
  const source = {
    package: PACKAGE,
    version: manifest.version,
    license: 'MIT',
    copyright: /^Copyright.*$/m.exec(license)[0],
    homepage: manifest.homepage,
  };
  return textOf(source, providers.map(providerOf));
}

function textOf(source, providers) {
  const lines = providers.map(({ models, ...provider }) => {
    const head = JSON.stringify(provider).slice(0, -1);
    return `${head},"models":[\n${models.map((model) => `  ${JSON.stringify(model)}`).join(',\n')}\n]}`;
  });
  return `{"source":${JSON.stringify(source)},\n"providers":[\n${lines.join(',\n')}\n]}\n`;
}

function providerOf({ id, fallback_model_providers: fallback = [], models }) {
  return { id, ...(fallback.length > 0 && { fallback }), models: models.map(modelOf) };
}

function modelOf({ id, match, prices }) {
  const entries = Array.isArray(prices) ? prices : [{ prices }];
  const rates = spansOf(entries).flatMap(({ entry, ...span }) => {
    const rate = rateOf(entry.prices);
    return rate === null ? [] : [{ ...span, ...rate }];
  });
  return { model: id, match, rates };
}

/** Dates and times of day, with the entry that holds then: of several the last one whose condition is met, else the first one. */
function spansOf(entries) {
  const dates = [undefined, ...constraintsOf(entries, 'start_date').map(({ start_date: date }) => date)];
  const times = constraintsOf(entries, 'time_of_date')
    .flatMap((window) => [window.start_time, window.end_time])
    .map(timeOf)
    .sort();
  return dates.flatMap((from, index) =>
    windowsOf([...new Set(times)], (time) => entryAt(entries, from, time)).map(({ window, entry }) => {
      const to = dates[index + 1];
      return { ...(from && { from }), ...(to && { to }), ...(window && { window }), entry };
    }),
  );
}

const constraintsOf = (entries, type) => entries.map((entry) => entry.constraint).filter((constraint) => constraint?.type === type);

function windowsOf(times, entryOf) {
  const pieces = [];
  for (const [index, start] of times.entries()) {
    const entry = entryOf(start);
    const end = times[index + 1] ?? times[0];
    const last = pieces.at(-1);
    if (last?.entry === entry) last.window = [last.window[0], end];
    else pieces.push({ window: [start, end], entry });
  }
  const isWholeDay = pieces.length < 2;
  return isWholeDay ? [{ entry: entryOf('00:00:00') }] : pieces;
}

function entryAt(entries, date, time) {
  const holds = ({ constraint }) => {
    if (constraint === undefined) return true;
    if (constraint.type === 'start_date') return date !== undefined && constraint.start_date <= date;
    const [start, end] = [timeOf(constraint.start_time), timeOf(constraint.end_time)];
    return start < end ? start <= time && time < end : start <= time || time < end;
  };
  return entries.findLast(holds) ?? entries[0];
}

function timeOf(text) {
  const match = /^(\d\d:\d\d:\d\d)Z$/.exec(text);
  if (!match) throw new Error(`a time of day that is not in UTC: ${text}`);
  return match[1];
}

/** Null where the package has only prices for what events do not carry, such as hours of audio. */
function rateOf(prices) {
  const doubts = [];
  const kinds = Object.keys(KINDS).filter((name) => prices[name] !== undefined);
  const decimal = (name, number) => decimalOf(number, (why) => doubts.push(`${KINDS[name] ?? name}: ${why}`));
  const pricesAt = (threshold) => Object.fromEntries(kinds.map((name) => [KINDS[name], decimal(name, priceAt(prices[name], threshold))]));
  const perRequest = prices.requests_kcount === undefined ? null : thousandth(decimal('perRequest', prices.requests_kcount));
  if (kinds.length === 0 && perRequest === null) return null;
  // A tier names every price there is: what it left out would be sought elsewhere.
  const thresholds = [...new Set(kinds.flatMap((name) => (prices[name].tiers ?? []).map(({ start }) => start)))].sort((a, b) => a - b);
  const tiers = thresholds.map((start) => ({ inputAbove: String(start), ...pricesAt(start) }));
  for (const [name, total] of Object.entries(UNTOLD)) {
    if (prices[name] !== undefined && prices[name] !== prices[total])
      doubts.push(`${name}: tokens that events do not tell apart have this price`);
  }
  return {
    ...pricesAt(-1),
    ...(perRequest !== null && { perRequest }),
    ...(tiers.length > 0 && { tiers }),
    ...(doubts.length > 0 && { disputed: [...new Set(doubts)].join('; ') }),
  };
}

/** The price above a threshold; -1: the base price. */
function priceAt(price, threshold) {
  if (typeof price === 'number') return price;
  return price.tiers.filter(({ start }) => start <= threshold).sort((a, b) => b.start - a.start)[0]?.price ?? price.base;
}

/** The shortest decimal that is the number; one of more than 15 significant digits shows that it was computed, and is rounded to 15. */
function decimalOf(number, doubt) {
  if (!Number.isFinite(number) || number < 0) throw new Error(`not a price: ${number}`);
  const shortest = plain(String(number));
  if (digitsOf(shortest) <= SIGNIFICANT_DIGITS) return shortest;
  doubt(`${number} has more than ${SIGNIFICANT_DIGITS} digits and was rounded`);
  return plain(String(Number(number.toPrecision(SIGNIFICANT_DIGITS))));
}

const digitsOf = (text) => text.replace('.', '').replace(/^0+/, '').replace(/0+$/, '').length;

/** Without an exponent. */
function plain(text) {
  const [, whole, fraction = '', exponent] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(text);
  if (exponent === undefined) return text;
  return placePoint(whole + fraction, whole.length + Number(exponent));
}

function placePoint(digits, point) {
  const padded = digits.padStart(digits.length + Math.max(0, 1 - point), '0').padEnd(Math.max(digits.length, point), '0');
  const at = Math.max(point, 1);
  return `${padded.slice(0, at)}.${padded.slice(at)}`.replace(/\.?0+$/, '');
}

function thousandth(decimal) {
  const [whole, fraction = ''] = decimal.split('.');
  return placePoint(whole + fraction, whole.length - 3);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(TARGET, await buildPriceCatalogue());
