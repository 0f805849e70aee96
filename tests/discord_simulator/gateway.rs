//! Sessions: begun, lost, resumed, refused.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_connection_is_resumed_and_nothing_is_lost() {
    let (House { discord, channel, robin, .. }, mut running) = online().await;
    for (round, fault) in ["drop", "close", "reconnect", "invalid"].into_iter().enumerate() {
        match fault {
            "drop" => discord.drop_connections(),
            "close" => discord.close_with(4000),
            "reconnect" => discord.reconnect(),
            _ => discord.invalid_session(true),
        }
        discord.say(robin, channel, fault);
        assert_eq!(running.message().await.content, fault);
        let resumes = round as u64 + 1;
        discord.until("a resume", |it| it.resumes() == resumes && it.online() == 1).await;
    }
    discord.say(robin, channel, "once");
    assert_eq!(running.message().await.content, "once");
    assert_eq!(discord.identifies(), 1);
}

#[rstest]
#[case::invalid_session("invalid")]
#[case::session_timed_out("4009")]
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_is_begun_again_and_misses_what_was_said(#[case] fault: &str) {
    let (House { discord, channel, robin, .. }, mut running) = online().await;
    match fault {
        "invalid" => discord.invalid_session(false),
        _ => discord.close_with(4009),
    }
    discord.until("the connection's end", |it| it.online() == 0).await;
    let missed = discord.say(robin, channel, "anybody?");
    discord.until("a new session", |it| it.identifies() == 2 && it.online() == 1).await;
    discord.say(robin, channel, "at last");
    assert_eq!(running.message().await.content, "at last");
    let history =
        ChannelId::new(channel).messages(&running.http, GetMessages::new().after(MessageId::new(1)));
    let history: Vec<u64> = history.await.unwrap().iter().map(|it| it.id.get()).collect();
    assert_eq!(history[1], missed);
}

#[tokio::test(flavor = "multi_thread")]
async fn unacknowledged_heartbeats_end_a_connection() {
    let House { discord, channel, robin, .. } = house().await;
    discord.heartbeat_interval(Duration::from_millis(600));
    discord.no_acks(true);
    let mut running = connect(&discord, GatewayIntents::all()).await;
    discord.until("a new session", |it| it.identifies() == 2).await;
    discord.no_acks(false);
    discord.say(robin, channel, "at last");
    assert_eq!(running.message().await.content, "at last");
}

#[rstest]
#[case::wrong_token("revoked", GatewayError::InvalidAuthentication)]
#[case::privileged_intent("intent", GatewayError::DisallowedGatewayIntents)]
#[case::closed_4013("4013", GatewayError::InvalidGatewayIntents)]
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_mended_ends_the_client(#[case] cause: &str, #[case] error: GatewayError) {
    let House { discord, bot, .. } = house().await;
    if cause == "intent" {
        discord.grant_intents(bot, 0);
    }
    let mut running = connect(&discord, GatewayIntents::all()).await;
    match cause {
        "revoked" => {
            discord.until_online(1).await;
            discord.revoke(bot);
            discord.close_with(4004);
        }
        "4013" => {
            discord.until_online(1).await;
            discord.close_with(4013);
        }
        _ => {}
    }
    let ended = timeout(PATIENCE, &mut running.task).await.unwrap().unwrap();
    let Err(serenity::Error::Gateway(found)) = ended else { panic!("{ended:?}") };
    assert_eq!(format!("{found:?}"), format!("{error:?}"));
    if cause == "revoked" {
        assert_eq!(refusal(running.http.get_current_user().await), (401, 0));
    }
}

/// Reads payloads of one zlib stream, as `compress=zlib-stream` asks for.
#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_stream_can_be_read() {
    let House { discord, channel, robin, .. } = house().await;
    let more = json!({ "intents": 1 << 9 | 1 << 15 });
    let mut socket = identify(&discord, "?v=10&compress=zlib-stream", more).await;
    let mut inflate = Decompress::new(true);
    let mut read = |bytes: &[u8]| -> Value {
        assert!(bytes.ends_with(&[0, 0, 0xff, 0xff]));
        let mut out = Vec::with_capacity(65_536);
        inflate.decompress_vec(bytes, &mut out, FlushDecompress::Sync).unwrap();
        serde_json::from_slice(&out).unwrap()
    };
    let mut names = Vec::new();
    discord.until_online(1).await;
    discord.say(robin, channel, &"long ".repeat(1_000));
    while names.len() < 3 {
        let Some(Ok(tungstenite::Message::Binary(bytes))) = socket.next().await else { panic!() };
        let payload = read(&bytes);
        names.push((payload["op"].as_u64().unwrap(), payload["t"].as_str().unwrap_or_default().to_owned()));
    }
    assert_eq!(names, [(10, String::new()), (0, "READY".to_owned()), (0, "MESSAGE_CREATE".to_owned())]);
    for _ in 0..120 {
        let _ = socket.send(tungstenite::Message::text(json!({ "op": 1, "d": 2 }).to_string())).await;
    }
    assert_eq!(closed_with(&mut socket).await, 4008);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_can_be_out_of_reach() {
    let House { discord, bot, .. } = house().await;
    discord.fail_gateway_endpoint(500);
    assert_eq!(refusal(http(&discord).get_gateway().await).0, 500);
    assert_eq!(refusal(http(&discord).get_bot_gateway().await).0, 500);
    // The trap: the library then means to dial the real service.
    let builder = serenity::client::ClientBuilder::new_with_http(http(&discord), GatewayIntents::all());
    assert_eq!(*builder.await.unwrap().ws_url.lock().await, "wss://gateway.discord.gg");
    discord.heal();
    discord.shards(2);
    let gateway = http(&discord).get_bot_gateway().await.unwrap();
    assert_eq!((gateway.shards, gateway.url.starts_with("ws://127.0.0.1:")), (2, true));
    assert_eq!(http(&discord).get_current_application_info().await.unwrap().id.get(), bot);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_go_to_the_shard_of_their_guild() {
    let House { discord, channel, guild, robin, .. } = house().await;
    let shard = (guild >> 22) % 2;
    let mut sockets = Vec::new();
    for number in 0..2 {
        let more = json!({ "intents": 1 | 1 << 9, "shard": [number, 2] });
        sockets.push(identify(&discord, "?v=10", more).await);
    }
    discord.until_online(2).await;
    discord.say(robin, channel, "who hears me?");
    discord.close_with(1000);
    for (number, socket) in sockets.iter_mut().enumerate() {
        let mut heard = 0;
        while let Some(Ok(message)) = socket.next().await {
            heard += usize::from(message.to_string().contains("MESSAGE_CREATE"));
        }
        assert_eq!(heard, usize::from(number as u64 == shard));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_shows_when_a_client_is_led_elsewhere() {
    let House { discord, .. } = house().await;
    let elsewhere = Elsewhere::start().await;
    discord.gateway_url(Some(&format!("ws://{}", elsewhere.address())));
    let _running = connect(&discord, GatewayIntents::all()).await;
    discord.until("a connection elsewhere", |_| elsewhere.touched() > 0).await;
    assert_eq!(discord.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_resumes_where_it_began() {
    let House { discord, .. } = house().await;
    let elsewhere = Elsewhere::start().await;
    discord.resume_url(Some(&format!("ws://{}", elsewhere.address())));
    let _running = connect(&discord, GatewayIntents::all()).await;
    discord.until_online(1).await;
    discord.drop_connections();
    discord.until("a resume", |it| it.resumes() == 1 && it.online() == 1).await;
    assert_eq!(elsewhere.touched(), 0);
}

/// The code that a connection is closed with.
async fn closed_with(socket: &mut Socket) -> u16 {
    loop {
        match socket.next().await {
            Some(Ok(tungstenite::Message::Close(frame))) => return u16::from(frame.unwrap().code),
            Some(Ok(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[rstest]
#[case::wrong_token(json!({ "token": "nobody", "intents": 1 }), 4004)]
#[case::unknown_intent(json!({ "intents": 1_u64 << 40 }), 4013)]
#[case::intent_not_granted(json!({ "intents": 1 << 15 }), 4014)]
#[case::no_such_shard(json!({ "intents": 1, "shard": [2, 2] }), 4010)]
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_identification_closes_the_connection(#[case] body: Value, #[case] code: u16) {
    let House { discord, bot, .. } = house().await;
    discord.grant_intents(bot, 1 << 1);
    let mut socket = identify(&discord, "?v=10", body).await;
    assert_eq!(closed_with(&mut socket).await, code);
    assert!(discord.sessions().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hasty_identification_is_refused() {
    let House { discord, .. } = house().await;
    discord.identify_pace(Duration::from_secs(5));
    let body = json!({ "intents": 1 });
    let _first = identify(&discord, "?v=10", body.clone()).await;
    discord.until_online(1).await;
    let mut second = identify(&discord, "?v=10", body).await;
    let mut told = Vec::new();
    while told.last() != Some(&9) {
        let payload: Value =
            serde_json::from_str(&second.next().await.unwrap().unwrap().to_string()).unwrap();
        told.push(payload["op"].as_u64().unwrap());
    }
    assert_eq!((told, discord.online()), (vec![10, 9], 1));
}
