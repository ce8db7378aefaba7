/** Three sets of sentences around a person's name, each of another sort: what auditors read, what machines write, what people write to each other. */
export const nameTemplates = {
  audit: `Access revoked by {}|{} approved the request|Password reset for {} failed|user {} logged in from 10.0.0.7|shared the folder Q3 with {} yesterday|Approver: {}|Ticket 4711 was reassigned to {} after escalation|
Reset {}'s MFA device|reviewers: {}, Jane Smith|Change 4711 closed ({})|{} was removed from the group Finance|Export started on behalf of {}|Role Owner granted to {} by system|Invitation sent to {}|
{} downloaded 14 files|Session of {} expired|Delegated approver is {}|Locked the account of {} after 5 attempts|{} (Sales) changed the retention policy|Consent withdrawn by {} on 2026-01-15|
Manager {} signed off|Badge 4711 issued to {}|Owner changed from root to {}|Contact {} for access|{} has left the organisation|Case opened for customer {}|Break-glass login by {}|Visitor: {}`,
  machine: `42,2026-01-15,{},gold,active|INSERT INTO c VALUES (42, '{}', 'gold')|{"op":"save","full_name":"{}"}|full_name="{}" level=info|<fullName>{}</fullName>|GET /find?fullName={}&page=2|
Customer[id=42, fullName={}, tier=GOLD]|Customer{name='{}', tier=GOLD}|X-Full-Name: {}|CN={},OU=Sales,DC=acme|From: {} <noreply@acme.example.org>|Author: {} <x@acme.example.org>|id;name\\n42;{}\\n|
ValueError: no such user '{}'|renamed "draft" to "{}"|cardholder name: {}|C:\\Users\\{}\\Documents\\x.docx|Parameters: {"full_name"=>"{}"}|UPDATE c SET full_name = '{}' WHERE id = 42|
recipient={}; status=sent|attn: {}|[{}] joined the call|assigned_to: {}|--full-name '{}'`,
  prose: `Hi {}, your export is ready|Dear {}, we reset your password|I spoke with {} about the outage|Thanks, {}|my name is {} and I lost my card|{} said the report was wrong|Please call {} back|
We met {} in the lobby|This is {} from support|cc {}|Best regards, {}|Is {} still on leave?|According to {} nothing was changed|The laptop belongs to {}.|{} works for us since May|
Could you add {} to the list?|The patient, {}, was discharged|{} and I reviewed it|Let {} know|Ask {} first`,
} as const;

/** The sentences of a set, each with `{}` where the name belongs. */
export function templatesOf(set: keyof typeof nameTemplates): readonly string[] {
  return nameTemplates[set].split('|').map((template) => template.trim().replaceAll('\\n', '\n'));
}
