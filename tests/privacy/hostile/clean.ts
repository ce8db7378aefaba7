/** What looks like people and is none: products, places and companies, and the sentences they stand in. */

/** Names of products, companies, places and things in two words. */
export const notPeople =
  `Victoria Metrics,Grafana Loki,Grafana Tempo,Amazon Aurora,Elastic Beanstalk,Apache Kafka,Apache Cassandra,Apache Ranger,San Francisco,New York,Los Angeles,Santa Clara,
Salt Lake City,Buenos Aires,Kuala Lumpur,Fort Worth,Saint Louis,Palo Alto,Palo Alto Networks,Check Point,Red Hat,Ruby on Rails,Spring Boot,Spring Cloud Gateway,Visual Studio Code,Microsoft Teams,
Google Workspace,Google Drive,Azure Front Door,Azure Key Vault,Amazon Athena,Amazon Kendra,Amazon Polly,Amazon Neptune,AWS Glue,AWS Fargate,AWS Amplify,Cloud Armor,Cloud Run,Elastic Agent,Fluent Bit,
Prometheus Operator,Thanos Ruler,Jaeger Collector,Open Policy Agent,Argo CD,Argo Workflows,Helm Chart,Harbor Registry,Sonatype Nexus,Nexus Repository,Sonar Qube,Snyk Code,Trivy Operator,Calico Felix,
Cilium Hubble,Istio Pilot,Linkerd Viz,Traefik Proxy,Varnish Cache,Percona Toolkit,Couchbase Server,Snowflake Horizon,Databricks Unity Catalog,Looker Studio,Tableau Server,Power BI,Stripe Radar,
Adyen Notification,Twilio Verify,Okta Verify,CyberArk Vault,Tenable Nessus,Qualys Cloud,Cisco Umbrella,Cisco Meraki,Juniper Mist,Aruba Central,Intel Xeon,Nvidia Tesla,Windows Server,Adobe Acrobat Reader,
Jira Service Desk,Trello Board,Figma File,Slack Connect,Zoom Phone,Webex Calling,Zendesk Suite,Intercom Messenger,Net Suite,Informatica Cloud,Talend Studio,Airbyte Source,Fivetran Connector,Dagster Daemon,
Temporal Worker,Camunda Zeebe,Wells Fargo,Goldman Sachs,Morgan Stanley,Deutsche Bank,Merrill Lynch,Rolls Royce,Harley Davidson,Lockheed Martin,Patient Portal,Doctor Directory,Payment Gateway,
Order Fulfilment,Nightly Backup,Weekly Digest,Cost Explorer,Trusted Advisor,Release Train,Canary Analysis,Rolling Update,Data Guard,Active Directory,Conditional Access,Privileged Identity,Lost Laptop,
Guest Wifi,Main Office,Head Office,Austin Datacenter,Paris Region,Jordan River,Madison Avenue,Lincoln Center,Washington Post,Kennedy Airport,Victoria Station,Virginia Beach,Georgia Tech,Sierra Nevada`
    .split(',')
    .map((name) => name.trim());

export const sentences = [
  '{} started',
  'Connected to {}',
  '{} failed to respond',
  'Alert from {}',
  'Deployed {} to production',
  'Access revoked by {}',
  'Integration with {} enabled',
  'policy for {} updated',
  '{}',
  'service: {}',
  '"{}" was restarted',
  '42,2026-01-15,{},gold,active',
] as const;
