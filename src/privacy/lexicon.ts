/** Words that tell names of people from everything else. Lists of our own, in lower case. */

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}

/** Accounts that every installation has: nobody's name. */
export const systemAccounts = words(`
  root admin administrator system sys daemon nobody anonymous guest service public unknown none null undefined n/a default user users test
  www-data www nginx apache httpd mysql postgres postgresql redis mongodb elastic oracle sa git ubuntu debian centos ec2-user azureuser vagrant docker
  jenkins runner github-actions github-actions[bot] dependabot dependabot[bot] bot cron operator local-system localsystem networkservice localservice
  everyone authenticated unauthenticated self owner hidden
`);

/** Mailboxes of functions, not of people: not looked for as a name in other text. */
export const sharedMailboxes = words(`
  info support admin administrator noreply no-reply donotreply do-not-reply sales contact hello help helpdesk security abuse postmaster webmaster hostmaster
  billing office team mail email user users test root service services notifications notification alerts alert system git bot marketing press jobs hr it dev ops
  devops crawler webcrawler robot bots search spider abuse-report accounts account feedback news newsletter privacy legal compliance audit customer customers client clients employee staff owner sender recipient member
`);

/**
 * Words that are no part of a person's name where they stand in capitals beside one, and that are never looked for as a user name:
 * what logs, protocols and products are made of.
 */
export const commonWords = words(`
  a an the and or not of in on at to from for with by as is was were be been has had have will would can could may might must this that these those it its
  he she they we you i me my our your his her their them us all any each every some no yes true false null none new old first last next previous
  user users username name names account accounts id ids uid guid uuid key keys value values type types kind field fields object objects item items list data
  event events log logs action actions actor target source sources time date day days month year hour minute second timestamp status state result results outcome
  success successful failure failed fail error errors warning warn info notice debug trace critical alert alerts alarm high medium low severity level priority
  access accessed accesses login logon logout logoff logged signed sign signin signup session sessions password passwords token tokens secret secrets credential credentials
  auth authentication authorization permission permissions policy policies role roles group groups team teams organization organisation org tenant customer customers
  client clients server servers service services system systems host hosts machine device devices network networks address addresses ip port ports domain domains
  dns http https ssh ftp tls ssl tcp udp url uri api apis sdk cli ui app apps application applications web website site page pages browser mobile desktop phone email mail message messages
  file files folder folders directory path paths disk volume bucket buckets database databases db table tables row rows column columns record records query queries
  create created creates update updated updates delete deleted deletes remove removed removes add added adds change changed changes set get put post patch read write
  list view viewed views open opened close closed start started stop stopped run running enable enabled disable disabled grant granted grants revoke revoked deny denied
  allow allowed block blocked approve approved reject rejected request requested requests response responses send sent receive received export exported import imported
  upload uploaded download downloaded backup restore restored rotate rotated invite invited join joined leave left attempt attempted attempts
  admin administrator root manager owner member members guest public private internal external default production staging development test testing sandbox prod dev
  os nt clr cpu msie trident mozilla chrome safari firefox edge opera windows linux mac macintosh macos android ios iphone ipad intel apple google microsoft amazon aws azure gcp github gitlab okta slack
  zoom salesforce oracle cloud kubernetes docker node java python ruby go rust php perl curl wget gecko webkit version build release compatible like khtml bot crawler spider
  north south east west central us eu asia pacific america europe africa united states kingdom new york london paris berlin tokyo
  monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november december
  feb mar apr jul sep sept oct nov dec mon tue wed thu fri sat sun am pm utc gmt
  security firewall gateway proxy router endpoint cluster instance instances image images snapshot pod pods namespace container containers deployment job jobs task tasks
  function functions lambda queue topic stream channel channels project projects repository repositories repo branch commit merge pull issue ticket case incident
  order orders invoice invoices payment payments transaction transactions card cards bank report reports document documents dashboard console portal workspace
  multi factor mfa sso saml oauth oidc scim two single step verification verified verify code codes challenge otp push
  please dear hello hi hey thanks thank regards sincerely note subject re fwd fw attached see contact call street road avenue lane drive city country county state zip postal
  patient traveler traveller employee contractor visitor nurse doctor physician agent analyst engineer ssn dob mrn iban passport license licence social applicant cardholder
  invalid unknown unexpected missing required expired locked unlocked suspended active inactive pending resource resources setting settings configuration config
  copyright licensed json xml yaml html css sql csv pdf schema schemas module modules package packages plugin script scripts parser driver library worker handler listener broker scheduler controller
  management console root certificate certificates external internal connector integration webhook scheduled automatic manual background process processes thread
  metric metrics collector toolkit exporter registry forwarder daemon studio suite stack engine platform connector connectors datacenter datacentre warehouse pipeline pipelines notebook
  catalog catalogue ingest sync insights explorer radar notification notifications sensor fleet mesh workflow workflows provider quota scheduler runtime wifi laptop
  pointer dereference nil exception audit audits stealer malware trojan ransomware phishing
`);

/** Types of actors and targets that stand for a person. */
export const personTypes = words(`
  user users person people human customer employee patient member contact client student guest applicant candidate citizen driver passenger subscriber
  individual iamuser administrator admin profile subject recipient owner staff teacher doctor tenantuser enduser
`);

/** Types beside a name that say it is not a person's. */
export const impersonalTypes = [
  'role',
  'group',
  'app',
  'appinstance',
  'appuser',
  'application',
  'service',
  'serviceaccount',
  'serviceprincipal',
  'system',
  'systemprincipal',
  'organization',
  'organisation',
  'org',
  'team',
  'bot',
  'policy',
  'rule',
  'policyrule',
  'policyentity',
  'resource',
  'repository',
  'project',
  'device',
  'host',
  'awsservice',
  'assumedrole',
  'workflow',
  'integration',
  'channel',
  'workspace',
  'zone',
  'networkzone',
  'domain',
  'file',
  'document',
  'folder',
  'database',
  'table',
  'cluster',
  'namespace',
  'bucket',
];
