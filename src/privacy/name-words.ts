/** Words around names, and words that look like names and are none. Lists of our own, in lower case; most of Europe's languages and some more. */

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter(Boolean));
}

/** Before a name, they vouch even for a single word. */
export const salutations = words(`
  mr mrs ms miss mx dr prof professor sir madam dear hi hello hey herr herrn frau monsieur madame mme mlle señor señora sr sra signor signora sig dhr mevr mevrouw meneer pan pani
  senhor senhora dom don doña hola ciao bonjour hallo liebe lieber господин госпожа уважаемый уважаемая κύριος κυρία sayın bay bayan السيد السيدة مرحبا श्री श्रीमती
`);

/** Those of them behind which any word is somebody's name. */
export const titles = words(`
  mr mrs ms miss mx dr prof professor herr herrn frau monsieur madame mme mlle señor señora signor signora
`);

/** Labels before a name of two words or more: roles, closings. */
export const labels = words(`
  user founder cn full first last customer client patient employee contact account display cardholder legal real beneficiary recipient sender member owner applicant student guest
  candidate manager agent author assignee reporter requester requestor approver reviewer operator administrator admin analyst engineer doctor physician nurse attorney supervisor
  subject person signatory participant attendee caller holder driver passenger tenant buyer seller payee payer insured claimant spouse father mother guardian traveler traveller
  contractor visitor names attn cc bcc signed sincerely regards cheers thanks benutzer utilisateur usuario utente nutzer kunde nom nombre naam nome named called partner husband
  wife brother sister son daughter friend boss colleague witness victim suspect defendant plaintiff judge president senator minister chairman chairwoman ceo director songwriter
  singer actor actress writer player coach captain provider attending patiente patientin mitarbeiter mitarbeiterin cliente empleado paciente klant medewerker пользователь клиент
  пациент сотрудник имя фио χρήστης πελάτης όνομα kullanıcı müşteri hasta المستخدم العميل المريض الاسم उपयोगकर्ता नाम ग्राहक משתמש המשתמש לקוח הלקוח שם ผู้ใช้ ชื่อ klient
  użytkownik pacjent uživatel zákazník felhasználó käyttäjä bruger kunden användare bruker
`);

/** Forms of companies: no part of a name, whoever is called so. */
export const companyForms = words(`
  inc incorporated ltd limited llc llp plc corp corporation company gmbh group holdings bank industries enterprises systems solutions technologies orchestra investments
  university association
`);

/** Words that make what stands before them something other than a person: a company, an institution, a place, a street. */
export const bodies = words(`
  inc incorporated investments investment movers orchestra care ltd limited llc llp plc corp corporation co company gmbh ag kg se sa sas sarl srl spa bv nv ab as oy oyj aps kk
  pty pte group holding holdings bank trust capital ventures partners associates brothers bros sons industries enterprises systems solutions technologies technology technological
  tech software labs laboratories media networks consulting services studios records press times post news insurance airlines airways motors electric energy oil foods
  pharmaceuticals healthcare university college school academy institute institution hospital clinic medical center centre foundation society association council committee
  commission department ministry agency bureau office orchestra choir band ensemble museum gallery theatre theater stadium arena airport station hotel restaurant church cathedral
  temple library prize award cup trophy league festival tournament championship theorem syndrome disease disorder algorithm law act bill effect method scale index test bridge
  tower palace castle park gardens forest county district province state city town village island islands river lake mountain mountains mount valley bay beach canyon sea ocean
  desert coast street st str road rd avenue ave boulevard blvd lane ln drive dr court ct place pl square sq terrace way parkway pkwy highway hwy circle cir trail close crescent
  row walk mews plaza alley pike turnpike place house building hall plaza mall gate tower towers heights hills project framework server cluster database release edition version
  metrics toolkit collector exporter forwarder studio suite stack toolbox browser datacenter datacentre region zone lab cloud engine platform
  series day eve week month year war revolution empire dynasty straße strasse platz weg allee gasse gade vej gata gatan vägen katu tie laan straat utca
`);

/** Products and other things that are called like people; alone, they are no one's name. */
export const things = words(`
  alpine jenkins hudson travis jasper maven ruby julia ada pascal haskell erlang scala delphi cassandra apollo athena hermes hera zeus atlas titan phoenix nova aurora luna siri alexa
  cortana claude watson tesla gemini turing darwin lambda kafka terraform ansible puppet chef grafana prometheus jupyter django flask celery redis vault consul nomad packer
  vagrant docker helm linkerd istio envoy falco argo spark storm flink samza beam hadoop hive pig zookeeper kibana logstash nessus burp kali debian fedora ubuntu mint arch salt
  bamboo gerrit sentry gradle ant ivy groovy grails kotlin swift dart elm nim basic python perl java lisp scheme prolog ford chrysler mercedes disney nike adidas dell lenovo acer
  sony canon nikon philips siemens bosch nokia ericsson oracle sage intuit adobe nvidia alpha beta gamma delta echo foxtrot golf hotel juliet kilo lima november oscar papa sierra
  tango uniform whiskey zulu christmas easter god lord jesus christ allah buddha bible trident gecko presto opera mercury venus mars jupiter saturn neptune uranus pluto tor max
  min wells fargo morgan stanley merrill lynch goldman sachs barclays rolls royce harley davidson procter gamble
`);

/** Makers and products that nobody is called after: neither part of a name, nor before one. */
export const brands = words(`
  apache kafka grafana loki mimir elastic elasticsearch opensearch kibana logstash fluentd fluentbit fluent prometheus thanos victoriametrics mongo mongodb postgres postgresql mysql mariadb
  redis memcached rabbitmq zookeeper hadoop percona couchbase couchdb neo4j clickhouse cockroachdb timescale snowflake databricks bigquery redshift dynamodb looker tableau qlik
  amazon aws google gcp microsoft azure entra office365 onedrive sharepoint outlook apple icloud meta facebook instagram whatsapp netflix spotify paypal stripe adyen klarna shopify
  github gitlab bitbucket atlassian jira confluence trello slack zoom webex asana figma notion miro airtable zendesk intercom hubspot marketo mailchimp mailgun sendgrid twilio
  salesforce servicenow workday netsuite sap ibm oracle vmware citrix nutanix cisco meraki juniper aruba arista fortinet fortigate sophos symantec mcafee kaspersky bitdefender
  crowdstrike sentinelone tenable qualys rapid7 darktrace vectra zscaler cloudflare akamai fastly okta auth0 onelogin cyberark hashicorp terraform ansible kubernetes openshift istio
  linkerd envoy traefik nginx haproxy calico cilium tetragon falco trivy snyk sonarqube sonatype artifactory jfrog harbor jaeger zipkin opentelemetry datadog dynatrace splunk pagerduty
  opsgenie nagios zabbix icinga airflow dagster prefect airbyte fivetran talend informatica boomi mulesoft camunda zeebe alteryx nvidia intel amd qualcomm lenovo samsung huawei xiaomi
  hugging openai anthropic mistral gemini chatgpt copilot ubuntu debian fedora centos redhat suse windows android linux macos firefox chromium lockheed northrop raytheon blackrock
  htc nokia motorola oneplus oppo zte asus blackberry kindle deutsche telekom vodafone siemens lufthansa maersk unilever novartis pfizer
`);

/** Last words of phrases that introduce somebody: `my name is`, `call me`, `I'm`. */
export const nameOpeners = words(
  "is am i'm i’m me him her it named soy llamo bin heiße heisse heißt suis m'appelle s'appelle chiama chiamo llama heet się",
);

/** Before places. */
export const locatives = words('in at to from of near southern northern eastern western central à en aus nach');

/** Places of which every word is somebody's name. */
export const placePhrases: ReadonlySet<string> = new Set(
  'hong kong,sri lanka,costa rica,puerto rico,tel aviv,abu dhabi,buenos aires,monte carlo,santa clara,santa monica,santa barbara,saint martin,sierra leone,silicon valley,palo alto,baton rouge,cape verde,viet nam,burkina faso,guinea bissau,sao tome,san francisco,san diego,san jose,san antonio,san juan,san marino,san salvador,santa fe,santa cruz,los angeles,las vegas,new orleans,new delhi,new haven,fort worth,fort lauderdale,st louis,st petersburg,saint petersburg,cape town,kuala lumpur,sao paulo,belo horizonte,porto alegre,santo domingo,ann arbor,el paso,el salvador,des moines,jordan river,jordan valley,blue ocean'.split(
    ',',
  ),
);
