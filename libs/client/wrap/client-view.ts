type Method = (...args: unknown[]) => unknown;

/** Called in place of a method: `call` is the method itself, with the object it belongs to. */
export type Interception = (call: Method, args: unknown[]) => unknown;

/** Answers the client that a view shows; known to every copy of this package. */
const SHOWN = Symbol.for('@tare/client: the wrapped client');

/** The client itself, where a view of it is given. */
export function shownBy<Client extends object>(client: Client): Client {
  return ((client as Record<symbol, unknown>)[SHOWN] as Client | undefined) ?? client;
}

/**
 * A view of an SDK's client that intercepts some methods, named by their path ("chat.completions.create"); the client itself stays as it is. The SDK's
 * own helpers (parse, stream, runTools) come back through the view, because their resources lead to it instead of the client.
 */
export function viewOf<Client extends object>(client: Client, interceptions: ReadonlyMap<string, Interception>): Client {
  const paths = [...interceptions.keys()];
  const leadsOn = (path: string): boolean => paths.some((one) => one.startsWith(`${path}.`));
  const bound = new WeakMap<Method, Method>();
  const resources = new Map<string, { readonly shown: object; readonly view: object }>();

  const view: Client = new Proxy(client, {
    get(target, name) {
      if (name === SHOWN) return target;
      const value: unknown = Reflect.get(target, name, target);
      if (isFixed(target, name)) return value;
      if (typeof name === 'string' && isObject(value) && leadsOn(name)) return resourceView(name, value);
      if (name === 'withOptions' && isMethod(value)) return (...args: unknown[]) => shown(value.apply(target, args));
      return isMethod(value) && name !== 'constructor' ? boundTo(target, value) : value;
    },
    set: (target, name, value) => Reflect.set(target, name, value, target),
  });

  /** A client that the client makes of itself is wrapped as well. */
  const shown = (made: unknown): unknown => (isObject(made) ? viewOf(made, interceptions) : made);

  /** Clients have private fields, which a method finds only on the client itself. */
  function boundTo(target: Client, method: Method): Method {
    const known = bound.get(method);
    if (known) return known;
    const made: Method = (...args) => method.apply(target, args);
    bound.set(method, made);
    return made;
  }

  function resourceView(path: string, shown: object): object {
    const known = resources.get(path);
    if (known?.shown === shown) return known.view;
    const made = new Proxy(shown, {
      get(target, name) {
        if (name === '_client' && !isFixed(target, name)) return view;
        const value: unknown = Reflect.get(target, name, target);
        if (typeof name !== 'string' || isFixed(target, name)) return value;
        const place = `${path}.${name}`;
        if (isObject(value) && leadsOn(place)) return resourceView(place, value);
        const interception = interceptions.get(place);
        if (!interception || !isMethod(value)) return value;
        return (...args: unknown[]) => interception((...passed) => value.apply(target, passed), args);
      },
    });
    resources.set(path, { shown, view: made });
    return made;
  }
  return view;
}

/** A proxy may not show anything else for what cannot change: a frozen client is shown as it is. */
function isFixed(target: object, name: PropertyKey): boolean {
  const own = Reflect.getOwnPropertyDescriptor(target, name);
  return own?.configurable === false && own.writable === false;
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isMethod = (value: unknown): value is Method => typeof value === 'function';
