//! The way out to the web: http and https only, to public addresses only. A name is resolved once a hop, every address of it is
//! checked, and the connection is pinned to what was checked, so that no name can point elsewhere in between.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt as _;
use reqwest::{Response, Url, header, redirect};

use super::{ToolError, text};

/// Redirects that are followed.
const HOPS: usize = 5;
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a whole request may take.
const REQUEST: Duration = Duration::from_secs(12);
/// Bytes of a page.
pub(super) const LARGEST: usize = 1_000_000;

/// Names to addresses.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// Every address of a name.
    ///
    /// # Errors
    /// When there is none.
    async fn lookup(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>>;
}

/// The machine's own resolver.
#[derive(Debug, Clone, Copy)]
struct System;

#[async_trait]
impl Lookup for System {
    async fn lookup(&self, host: &str, port: u16) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

/// The way out.
#[derive(Clone)]
pub struct Net {
    lookup: Arc<dyn Lookup>,
    allowed: fn(IpAddr) -> bool,
}

impl Default for Net {
    fn default() -> Self {
        Self::new(Arc::new(System), is_public)
    }
}

/// What came back from a page.
pub(super) struct Page {
    /// Where it was found in the end.
    pub(super) url: Url,
    /// Its media type, in lower case, without parameters.
    pub(super) media: String,
    /// The bytes, at most [`LARGEST`].
    pub(super) bytes: Vec<u8>,
    /// There were more.
    pub(super) cut: bool,
}

impl Net {
    /// A way out that resolves names with `lookup` and reaches the addresses that are `allowed`: [`is_public`] outside of
    /// tests.
    #[must_use]
    pub fn new(lookup: Arc<dyn Lookup>, allowed: fn(IpAddr) -> bool) -> Self {
        Self { lookup, allowed }
    }

    /// Reads a page, following redirects; each hop is checked like the first.
    pub(super) async fn page(&self, url: Url) -> Result<Page, ToolError> {
        let mut url = url;
        for _ in 0..=HOPS {
            let response = self.request(&url).await?;
            if response.status().is_redirection() {
                let next = response.headers().get(header::LOCATION).and_then(|it| it.to_str().ok());
                let next = next.and_then(|it| url.join(it).ok());
                url = next.ok_or_else(|| ToolError::Failed("the page redirects to nowhere".to_owned()))?;
                continue;
            }
            if !response.status().is_success() {
                return Err(ToolError::Failed(format!("the page answers {}", response.status())));
            }
            return body(url, response).await;
        }
        Err(ToolError::Failed(format!("the page redirects more than {HOPS} times")))
    }

    async fn request(&self, url: &Url) -> Result<Response, ToolError> {
        let failed = |error: reqwest::Error| {
            let why = if error.is_timeout() { "it took too long" } else { "the connection failed" };
            tracing::debug!(%error, "a page cannot be read");
            ToolError::Failed(format!("the page cannot be read: {why}"))
        };
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("Mozilla/5.0 (compatible; dramatis/", env!("CARGO_PKG_VERSION"), ")"))
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            // A proxy would resolve the name anew.
            .no_proxy()
            .redirect(redirect::Policy::none());
        let (host, pinned) = self.checked(url).await?;
        if let Some(host) = host {
            client = client.resolve_to_addrs(&host, &pinned);
        }
        crate::llm::install_cryptography();
        client.build().map_err(failed)?.get(url.clone()).send().await.map_err(failed)
    }

    /// The name of the host, if it has one, and where it is; refused unless all of it is allowed.
    async fn checked(&self, url: &Url) -> Result<(Option<String>, Vec<SocketAddr>), ToolError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ToolError::Refused(format!(
                "only http and https pages are read, not {}:",
                text::cut(url.scheme(), 20)
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ToolError::Refused(
                "an address with a user name or password in it is not read".to_owned(),
            ));
        }
        let port = url.port_or_known_default().unwrap_or(80);
        let refused = || ToolError::Refused("the address is not on the public internet".to_owned());
        let name =
            url.host_str().ok_or_else(|| ToolError::Arguments("`url`: there is no host in it".to_owned()))?;
        // The parser of addresses has brought every way to write an IPv4 address into one.
        let (host, found) = match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(ip) => (None, vec![SocketAddr::new(ip, port)]),
            Err(_) => {
                let found = self.lookup.lookup(name, port).await;
                let found = found
                    .map_err(|_| ToolError::Failed(format!("there is no host `{}`", text::cut(name, 80))))?;
                (Some(name.to_owned()), found)
            }
        };
        if found.is_empty() || !found.iter().all(|address| (self.allowed)(address.ip())) {
            return Err(refused());
        }
        // Whoever answers a lookup may name another port; it is the one of the address that counts.
        Ok((host, found.into_iter().map(|address| SocketAddr::new(address.ip(), port)).collect()))
    }
}

async fn body(url: Url, response: Response) -> Result<Page, ToolError> {
    let media =
        response.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim().to_lowercase();
    let (bytes, cut) = bytes(response, LARGEST).await?;
    Ok(Page { url, media, bytes, cut })
}

/// The first `most` bytes of an answer, and whether there were more.
pub(super) async fn bytes(response: Response, most: usize) -> Result<(Vec<u8>, bool), ToolError> {
    let mut bytes = Vec::new();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_| ToolError::Failed("the answer broke off".to_owned()))?;
        let room = most.saturating_sub(bytes.len());
        bytes.extend(piece.iter().take(room));
        if piece.len() > room {
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}

/// True for addresses of the public internet: none of this machine, of a private network, of a link, shared, reserved, multicast,
/// for documentation, or of IPv4 in the clothes of IPv6 (IANA special-purpose registries, RFC 6890).
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_multicast()
        // Shared by carriers (RFC 6598), protocol assignments, 6to4 relays, benchmarks, reserved.
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        // Azure's own services answer there, metadata among them.
        || ip == Ipv4Addr::new(168, 63, 129, 16)
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped() {
        return is_public_v4(inner);
    }
    let [a, b, c, ..] = ip.segments();
    // Only 2000::/3 is given out; of it not: documentation, 6to4, Teredo, benchmarks, ORCHID, and NAT64 lies outside anyway.
    (a & 0xe000) == 0x2000
        && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8))
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
        && !(a == 0x2620 && b == 0x4f && c == 0x8000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("93.184.215.14", true)]
    #[case("2606:2800:21f:cb07:6820:80da:af6b:8b2c", true)]
    #[case("127.0.0.1", false)]
    #[case("127.8.8.8", false)]
    #[case("0.0.0.0", false)]
    #[case("10.1.2.3", false)]
    #[case("172.16.0.1", false)]
    #[case("172.32.0.1", true)]
    #[case("192.168.1.1", false)]
    #[case("169.254.169.254", false)]
    #[case("100.64.0.1", false)]
    #[case("100.128.0.1", true)]
    #[case("198.18.0.1", false)]
    #[case("224.0.0.1", false)]
    #[case("255.255.255.255", false)]
    #[case("168.63.129.16", false)]
    #[case("::1", false)]
    #[case("::", false)]
    #[case("::ffff:127.0.0.1", false)]
    #[case("::ffff:10.0.0.1", false)]
    #[case("::ffff:93.184.215.14", true)]
    #[case("::127.0.0.1", false)]
    #[case("64:ff9b::7f00:1", false)]
    #[case("2002:7f00:1::", false)]
    #[case("2001:0:4136:e378::", false)]
    #[case("fe80::1", false)]
    #[case("fc00::1", false)]
    #[case("fd00:ec2::254", false)]
    #[case("ff02::1", false)]
    #[case("2001:db8::1", false)]
    fn only_the_public_internet_is_public(#[case] ip: &str, #[case] expected: bool) {
        assert_eq!(is_public(ip.parse().unwrap()), expected);
    }
}
