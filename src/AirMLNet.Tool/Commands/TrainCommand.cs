using System.CommandLine;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml train …</c>: trains what a method needs beforehand.</summary>
internal static class TrainCommand
{
    public static Command Build()
    {
        var command = new Command("train", "Fine-tune a diffusion model, or learn many labels per image from captions")
        {
            TrainLora.Build(),
            TrainLabels.Build(),
        };
        ExamplesHelpAction.Add(
            command,
            "airml train lora photos --diffusion stable-diffusion-v1-5 -o lora",
            "airml train labels captions.json --nouns coco --clip clip-vit-base-patch32 --diffusion stable-diffusion-v1-4 -o model.zip"
        );
        return command;
    }
}
