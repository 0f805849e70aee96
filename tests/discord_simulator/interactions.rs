//! Commands, buttons and forms.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_checked_and_answered() {
    let (House { discord, bot, channel, robin, .. }, mut running) = online().await;
    let wrong = CreateCommand::new("Remember This").description("x");
    assert_eq!(refusal(Command::set_global_commands(&running.http, vec![wrong]).await), (400, 50_035));
    let text = CreateCommandOption::new(CommandOptionType::String, "text", "what").required(true);
    let topic = CreateCommandOption::new(CommandOptionType::String, "topic", "of").set_autocomplete(true);
    let whole = || {
        let what = CreateCommand::new("remember").description("Keeps something in mind");
        what.name_localized("de", "merken").add_option(text.clone()).add_option(topic.clone())
    };
    let first = Command::set_global_commands(&running.http, vec![whole()]).await.unwrap();
    let second = Command::set_global_commands(&running.http, vec![whole()]).await.unwrap();
    assert_eq!((first[0].id, discord.registrations(bot)), (second[0].id, 2));

    let used = discord.slash(robin, channel, "remember", &[("text", json!("the milk"))]);
    let asked = running.command().await;
    assert_eq!((asked.data.options[0].value.as_str(), asked.user.id.get()), (Some("the milk"), robin));
    let reply = CreateInteractionResponseMessage::new().content("noted").ephemeral(true);
    asked.create_response(&running.http, CreateInteractionResponse::Message(reply.clone())).await.unwrap();
    let answer = discord.answered(used).await;
    assert_eq!((answer.text(), answer.ephemeral(), answer.kind), ("noted", true, Some(4)));
    assert!(discord.shown(channel).is_empty() && discord.whispered(channel, robin).len() == 1);
    // The bot is told of what only one person sees as of a private message.
    let told = running.message().await;
    assert_eq!((told.content.as_str(), told.guild_id), ("noted", None));
    let twice = asked.create_response(&running.http, CreateInteractionResponse::Message(reply)).await;
    assert_eq!(refusal(twice), (400, 40_060));

    let typed = discord.autocomplete(robin, channel, "remember", ("topic", "ca"), &[]);
    let asked = running.next(|event| match event {
        Event::InteractionCreate(it) => it.interaction.into_autocomplete(),
        _ => None,
    });
    let asked = asked.await;
    assert_eq!(asked.data.autocomplete().unwrap().value, "ca");
    let choices = CreateAutocompleteResponse::new().add_string_choice("cats", "cats");
    asked.create_response(&running.http, CreateInteractionResponse::Autocomplete(choices)).await.unwrap();
    assert_eq!(discord.answered(typed).await.choices, [("cats".to_owned(), json!("cats"))]);

    let used = discord.slash(robin, channel, "remember", &[("text", json!("slowly"))]);
    let asked = running.command().await;
    asked.defer(&running.http).await.unwrap();
    assert!(discord.answer(used).message.unwrap().thinking());
    let text = CreateInteractionResponseFollowup::new().content("done");
    asked.create_followup(&running.http, text.clone()).await.unwrap();
    asked.create_followup(&running.http, text.content("and more")).await.unwrap();
    let answer = discord.answered(used).await;
    assert_eq!((answer.text(), answer.followups.len()), ("done", 1));

    discord.interaction_patience(Duration::ZERO);
    let used = discord.slash(robin, channel, "remember", &[("text", json!("late"))]);
    let asked = running.command().await;
    assert_eq!(refusal(asked.defer(&running.http).await), (404, 10_062));
    assert_eq!(discord.answered(used).await.outcome, Outcome::Failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_and_forms_work() {
    let (House { discord, channel, robin, .. }, mut running) = online().await;
    let menu = CreateCommand::new("Why did you say this?").kind(serenity::all::CommandType::Message);
    Command::set_global_commands(&running.http, vec![menu]).await.unwrap();
    let button = CreateButton::new("forget:1").label("Forget").style(ButtonStyle::Danger);
    let message =
        CreateMessage::new().content("sure?").components(vec![CreateActionRow::Buttons(vec![button])]);
    let asked = ChannelId::new(channel).send_message(&running.http, message).await.unwrap();

    let explained = discord.context_menu(robin, asked.id.get(), "Why did you say this?");
    let command = running.command().await;
    assert_eq!(command.data.resolved.messages.values().next().unwrap().content, "sure?");
    command.defer_ephemeral(&running.http).await.unwrap();
    assert!(discord.answer(explained).ephemeral());

    let pressed = discord.press(robin, asked.id.get(), "forget:1");
    let press = running.next(|event| match event {
        Event::InteractionCreate(it) => it.interaction.into_message_component(),
        _ => None,
    });
    let press = press.await;
    assert_eq!((press.data.custom_id.as_str(), press.message.id), ("forget:1", asked.id));
    let input = CreateInputText::new(InputTextStyle::Short, "Why?", "why");
    let form = CreateModal::new("form", "Forget").components(vec![CreateActionRow::InputText(input)]);
    press.create_response(&running.http, CreateInteractionResponse::Modal(form)).await.unwrap();
    let sent = discord.submit_modal(pressed, &[("why", "old")]);
    let form = running.next(|event| match event {
        Event::InteractionCreate(it) => match it.interaction {
            Interaction::Modal(it) => Some(it),
            _ => None,
        },
        _ => None,
    });
    let form = form.await;
    assert_eq!(
        serde_json::to_value(&form.data.components).unwrap()[0]["components"][0]["value"],
        json!("old")
    );
    let update = CreateInteractionResponseMessage::new().content("forgotten").components(vec![]);
    form.create_response(&running.http, CreateInteractionResponse::UpdateMessage(update)).await.unwrap();
    assert_eq!(discord.answered(sent).await.kind, Some(7));
    let seen = discord.message(asked.id.get());
    assert_eq!((seen.text.as_str(), seen.components), ("forgotten", json!([])));
}

#[tokio::test(flavor = "multi_thread")]
async fn menus_are_answered_later_and_answers_taken_back() {
    let (House { discord, channel, robin, .. }, mut running) = online().await;
    let command = CreateCommand::new("settings").description("Settings").add_option(
        CreateCommandOption::new(CommandOptionType::SubCommand, "style", "How").add_sub_option(
            CreateCommandOption::new(CommandOptionType::String, "value", "Which")
                .required(true)
                .add_string_choice("short", "short"),
        ),
    );
    Command::set_global_commands(&running.http, vec![command]).await.unwrap();
    let used = discord.slash(robin, channel, "settings style", &[("value", json!("short"))]);
    let asked = running.command().await;
    let sub = &asked.data.options()[0];
    assert_eq!(sub.name, "style");
    let options =
        CreateSelectMenuKind::String { options: vec![CreateSelectMenuOption::new("Elena", "elena")] };
    let reply = CreateInteractionResponseMessage::new()
        .content("who?")
        .select_menu(CreateSelectMenu::new("who", options));
    asked.create_response(&running.http, CreateInteractionResponse::Message(reply)).await.unwrap();
    let shown = discord.answered(used).await.message.unwrap();
    let chosen = discord.select(robin, shown.id, "who", &["elena"]);
    let choice = running.next(|event| match event {
        Event::InteractionCreate(it) => it.interaction.into_message_component(),
        _ => None,
    });
    let choice = choice.await;
    let ComponentInteractionDataKind::StringSelect { values } = &choice.data.kind else { panic!() };
    assert_eq!(values, &["elena"]);
    choice.create_response(&running.http, CreateInteractionResponse::Acknowledge).await.unwrap();
    let change = EditInteractionResponse::new().content("Elena it is").components(vec![]);
    choice.edit_response(&running.http, change).await.unwrap();
    let answer = discord.answered(chosen).await;
    assert_eq!((answer.text(), answer.kind), ("Elena it is", Some(6)));
    assert_eq!(asked.get_response(&running.http).await.unwrap().content, "Elena it is");
    asked.delete_response(&running.http).await.unwrap();
    assert!(discord.message(shown.id).deleted);
    assert_eq!(refusal(asked.get_response(&running.http).await), (404, 10_008));
}
