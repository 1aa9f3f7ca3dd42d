// Segment's Node SDK: only `host` is changed.
import { Analytics } from "@segment/analytics-node";

const run = `${process.env.RUN_ID}/segment-node`;
const [user, account] = [`${run}/user`, `${run}/account`];
const analytics = new Analytics({ writeKey: process.env.WRITE_KEY, host: process.env.TENURE_URL, maxRetries: 1 });
const failures = [];
analytics.on("error", (error) => failures.push(String(error.reason ?? error.code ?? error)));

analytics.identify({ userId: user, traits: { email: "segment-node@customer.example", name: "Segment Node" } });
analytics.group({ userId: user, groupId: account, traits: { name: "Segment Node Ltd", employees: 12 } });
analytics.track({ userId: user, event: "login", properties: { run } });
analytics.track({ userId: user, event: "feature_used", properties: { run, feature: "reports" }, context: { groupId: account } });
analytics.page({ userId: user, name: "Pricing", properties: { run, url: "https://customer.example/pricing" } });
analytics.screen({ userId: user, name: "Home", properties: { run } });
analytics.alias({ userId: user, previousId: `${run}/before` });
await analytics.closeAndFlush({ timeout: 15000 });
if (failures.length > 0) throw new Error(`segment-node: ${failures.join("; ")}`);
console.log(JSON.stringify({ sdk: "segment-node", run, events: 4, account, contact: user }));
