using System.CommandLine;
using AirMLNet.Tool.Output;

namespace AirMLNet.Tool.Commands;

/// <summary><c>airml train …</c>: trains what a method needs beforehand.</summary>
internal static class TrainCommand
{
    public static Command Build()
    {
        var command = new Command("train", "Fine-tune a diffusion model") { TrainLora.Build() };
        ExamplesHelpAction.Add(command, "airml train lora photos --diffusion stable-diffusion-v1-5 -o lora");
        return command;
    }
}
