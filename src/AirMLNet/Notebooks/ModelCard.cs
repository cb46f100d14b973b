using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using AirMLNet.Options;
using Microsoft.ML;

namespace AirMLNet.Notebooks;

/// <summary>What a fitted stage, or a chain of them, is and was set to.</summary>
internal static class ModelCard
{
    /// <summary>The card, stage by stage; of ML.NET's own stages the name.</summary>
    public static NotebookView Of(ITransformer model)
    {
        var stages = Flatten(model).Select(stage => (Name: NameOf(stage), Classes: ClassesOf(stage), Options: OptionsOf(stage))).ToList();
        string[] heads = ["stage", "classes", "settings"];
        var html = new XElement(
            "table",
            new XElement("thead", new XElement("tr", heads.Select(h => new XElement("th", h)))),
            new XElement(
                "tbody",
                stages.Select(stage => new XElement(
                    "tr",
                    new XElement("th", stage.Name),
                    new XElement("td", stage.Classes),
                    new XElement(
                        "td",
                        stage.Options is { } options
                            ? new XElement(
                                "details",
                                new XElement("summary", $"{options.Count} settings"),
                                NotebookView.Table(["setting", "value"], options.Select(o => new[] { o.Name, o.Value }))
                            )
                            : "–"
                    )
                ))
            )
        );
        var text = stages.Select(stage =>
            string.Join(
                Environment.NewLine,
                (stage.Options ?? [])
                    .Select(o => $"  {o.Name}: {o.Value}")
                    .Prepend(stage.Classes.Length > 0 ? $"{stage.Name}: {stage.Classes}" : stage.Name)
            )
        );
        return new(html, string.Join(Environment.NewLine, text));
    }

    private static IEnumerable<ITransformer> Flatten(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Flatten) : [model];

    private static string NameOf(ITransformer stage) =>
        stage.GetType().Name.Split('`')[0].Replace("Transformer", "", StringComparison.Ordinal);

    private static string ClassesOf(ITransformer stage) =>
        Property(stage, "ClassNames") is IEnumerable<string> names ? string.Join(", ", names) : "";

    /// <summary>The options, of folders only the name: every stage keeps its options under one name, and none of them shows them.</summary>
    private static List<(string Name, string Value)>? OptionsOf(ITransformer stage)
    {
        if (stage.GetType().Assembly != typeof(ModelCard).Assembly || Property(stage, "Options") is not { } options)
        {
            return null;
        }

        var json = JsonNode.Parse(JsonSerializer.Serialize(options, options.GetType(), OptionsJson.Settings))!.AsObject();
        return
        [
            .. json.Where(o => o.Value is not null && !string.Equals(o.Key, "ClassNames", StringComparison.OrdinalIgnoreCase))
                .Select(o => (o.Key, ValueOf(o.Key, o.Value!))),
        ];
    }

    private static string ValueOf(string name, JsonNode value) =>
        name.EndsWith("Folder", StringComparison.Ordinal) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(value.GetValue<string>()))
        : value is JsonValue plain && plain.TryGetValue<string>(out var text) ? text
        : value.ToJsonString();

    private static object? Property(ITransformer stage, string name) =>
        stage.GetType().GetProperty(name, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)?.GetValue(stage);
}
