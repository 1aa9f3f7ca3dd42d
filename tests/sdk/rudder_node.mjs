// RudderStack's Node SDK: only `dataPlaneUrl` is changed.
import module from "@rudderstack/rudder-sdk-node";

const RudderAnalytics = module.default ?? module;
const run = `${process.env.RUN_ID}/rudder-node`;
const [user, account] = [`${run}/user`, `${run}/account`];
const failures = [];
const client = new RudderAnalytics(process.env.WRITE_KEY, {
  dataPlaneUrl: process.env.TENURE_URL,
  flushInterval: 200,
  logLevel: "error",
  errorHandler: (error) => failures.push(String(error)),
});

client.identify({ userId: user, traits: { email: "rudder-node@customer.example", name: "Rudder Node" } });
client.group({ userId: user, groupId: account, traits: { name: "Rudder Node Ltd", employees: 12 } });
client.track({ userId: user, event: "login", properties: { run } });
client.track({ userId: user, event: "feature_used", properties: { run, feature: "reports" }, context: { groupId: account } });
client.page({ userId: user, name: "Pricing", properties: { run, url: "https://customer.example/pricing" } });
client.screen({ userId: user, name: "Home", properties: { run } });
client.alias({ userId: user, previousId: `${run}/before` });
await client.flush();
if (failures.length > 0) throw new Error(`rudder-node: ${failures.join("; ")}`);
console.log(JSON.stringify({ sdk: "rudder-node", run, events: 4, account, contact: user }));
process.exit(0);
