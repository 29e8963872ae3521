// Runs before the codec and keeps what it needs out of its reach. Its value is a function:
// JSON text of [port, bytes, received at in ms] -> JSON text of [data] or ["", reason].
(function (world) {
  "use strict";
  const { parse, stringify } = JSON;
  const { construct, ownKeys, get, apply } = Reflect;
  const { isArray } = Array;
  const { slice } = String.prototype;
  const text = String;
  const convert = Number;
  const RealDate = Date;
  const Failure = Error;
  let now = 0;

  // The only clock that a codec sees stands still at the time of its uplink.
  function StillDate(...parts) {
    const made = construct(RealDate, parts.length ? parts : [now], new.target || RealDate);
    return new.target ? made : text(made);
  }
  StillDate.prototype = RealDate.prototype;
  RealDate.prototype.constructor = StillDate;
  StillDate.parse = RealDate.parse;
  StillDate.UTC = RealDate.UTC;
  StillDate.now = () => now;
  world.Date = StillDate;
  world.Math.random = () => 0.5;
  delete world.performance;
  delete world.queueMicrotask;
  delete world.SharedArrayBuffer;
  delete world.Atomics;
  delete world.WeakRef;
  delete world.FinalizationRegistry;
  const quiet = () => undefined;
  world.console = { log: quiet, info: quiet, warn: quiet, error: quiet, debug: quiet };
  world.module = { exports: {} };
  world.exports = world.module.exports;

  function entry(name, lexical) {
    const exported = world.module && world.module.exports;
    const found = exported && get(exported, name);
    return typeof found === "function" ? found : lexical;
  }

  function json(value) {
    try {
      return stringify(value);
    } catch (error) {
      if (typeof error !== "object" || !(error instanceof TypeError)) throw error;
      return stringify(value, (key, each) => (typeof each === "bigint" ? convert(each) : each));
    }
  }

  function reasons(errors) {
    const several = isArray(errors) ? errors : [errors];
    let joined = "";
    for (let place = 0; place < several.length && place < 3; place++)
      joined += (place ? "; " : "") + apply(slice, text(several[place]), [0, 200]);
    return joined;
  }

  function answer(result) {
    if (typeof result !== "object" || result === null || isArray(result))
      throw new Failure("it returned no object");
    const errors = result.errors;
    if (errors && (!isArray(errors) || errors.length)) return stringify(["", reasons(errors)]);
    const bare = !("data" in result) && ownKeys(result).length > 0 && !("warnings" in result);
    const data = bare ? result : result.data;
    if (typeof data !== "object" || data === null || isArray(data))
      throw new Failure("it returned no data");
    const found = json([data]);
    if (typeof found !== "string") throw new Failure("its data can not be written as JSON");
    return found;
  }

  return function (modern, decode, decoder) {
    modern = entry("decodeUplink", modern);
    decode = entry("Decode", decode);
    decoder = entry("Decoder", decoder);
    if (!modern && !decode && !decoder)
      throw new Failure("it has none of decodeUplink, Decode and Decoder");
    return function (request) {
      const [port, bytes, at] = parse(request);
      now = at;
      if (modern) return answer(modern({ bytes, fPort: port, recvTime: new StillDate(), variables: {} }));
      if (decode) return answer({ data: decode(port, bytes, {}) });
      return answer({ data: decoder(bytes, port) });
    };
  };
})(globalThis);
